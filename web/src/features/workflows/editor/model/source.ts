import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";

import type { Path } from "./path";

/** What is wrong with the text itself. Lines count from 1. */
export interface SourceProblem {
  line: number;
  message: string;
}

const MOST_ALIASES = 50;

export function parse(text: string): Document.Parsed {
  return parseDocument(text, { version: "1.2", keepSourceTokens: true, prettyErrors: false, strict: true });
}

/** The text's value, or why there is none. */
export function read(text: string): { value?: unknown; problem?: SourceProblem } {
  const document = parse(text);
  const [error] = document.errors;
  if (error) return { problem: { line: lineOf(text, error.pos[0]), message: error.message } };
  try {
    return { value: document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown };
  } catch (problem) {
    return { problem: { line: 1, message: problem instanceof Error ? problem.message : String(problem) } };
  }
}

export function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

/** Tells the lines of many places in a text that is gone through once. */
export function linesIn(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let [from, to] = [0, starts.length];
    while (to - from > 1) {
      const middle = (from + to) >> 1;
      if ((starts[middle] ?? 0) <= offset) from = middle;
      else to = middle;
    }
    return from + 1;
  };
}

export type Parent = YAMLMap.Parsed | YAMLSeq.Parsed;

export function nodeAt(document: Document.Parsed, path: Path): Node | undefined {
  let at: unknown = document.contents;
  for (const part of path) {
    if (isMap(at)) at = pairOf(at, part)?.value;
    else if (isSeq(at)) at = at.items[Number(part)];
    else return undefined;
  }
  return isNode(at) ? at : undefined;
}

export function pairOf(map: YAMLMap, name: string | number): Pair<Node, Node | null> | undefined {
  const found = map.items.find(
    (pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(name),
  );
  return found as Pair<Node, Node | null> | undefined;
}

/** Where the last thing inside a node ends; a node's own range has the comments behind it too. */
export function endOf(node: Node | null | undefined): number | undefined {
  if (isMap(node) && !node.flow && node.items.length > 0) {
    const last = node.items[node.items.length - 1] as Pair<Node, Node | null>;
    return endOf(last.value) ?? endOf(last.key);
  }
  if (isSeq(node) && !node.flow && node.items.length > 0)
    return endOf(node.items[node.items.length - 1] as Node);
  if (isScalar(node) && node.value === null && !node.source) return undefined; // nothing is written there
  return isScalar(node) || isAlias(node) || isMap(node) || isSeq(node) ? node.range?.[1] : undefined;
}

/** The line on which each part of the document begins, by its pointer's path. */
export function lineAt(text: string, path: Path): number | undefined {
  const document = parse(text);
  for (let length = path.length; length > 0; length -= 1) {
    const part = path[length - 1];
    const parent = nodeAt(document, path.slice(0, length - 1));
    const found = isMap(parent)
      ? pairOf(parent, part ?? "")?.key
      : isSeq(parent)
        ? (parent.items[Number(part)] as Node | undefined)
        : undefined;
    if (found?.range) return lineOf(text, found.range[0]);
  }
  return undefined;
}
