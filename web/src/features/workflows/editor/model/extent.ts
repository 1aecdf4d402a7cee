import { isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from "yaml";

import { endOf } from "./source";

/** Whole lines of a text, and the column at which what they hold begins. */
export interface Extent {
  from: number;
  to: number;
  column: number;
}

const COMMENT = /^[ \t]*#/;

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Behind the line's end. */
function lineEnd(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end + 1;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** The lines of an item of a block sequence, with the comments right above it. */
export function itemExtent(text: string, seq: YAMLSeq, index: number): Extent | undefined {
  const dash = dashOf(seq, index);
  const item = seq.items[index] as Node | undefined;
  if (dash === undefined || seq.flow || !item) return undefined;
  const start = lineStart(text, dash);
  if (text.slice(start, dash).trim() !== "") return undefined; // `- - a`
  return {
    from: withComments(text, start, dash - start),
    to: closed(text, dash, endOf(item), dash - start),
    column: dash - start,
  };
}

/** The lines of a member of a block mapping; undefined where it does not begin its line. */
export function pairExtent(text: string, map: YAMLMap, pair: Pair<Node, Node | null>): Extent | undefined {
  const at = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
  if (at === undefined || map.flow) return undefined;
  const start = lineStart(text, at);
  if (text.slice(start, at).trim() !== "") return undefined;
  const end = endOf(pair.value) ?? endOf(pair.key);
  return {
    from: withComments(text, start, at - start),
    to: closed(text, at, end, at - start),
    column: at - start,
  };
}

function dashOf(seq: YAMLSeq, index: number): number | undefined {
  const token = seq.srcToken;
  if (token?.type !== "block-seq") return undefined;
  return token.items[index]?.start.find(({ type }) => type === "seq-item-ind")?.offset;
}

function withComments(text: string, start: number, column: number): number {
  let from = start;
  while (from > 0) {
    const above = lineStart(text, from - 1);
    const line = text.slice(above, from - 1);
    if (!COMMENT.test(line) || indentOf(line) !== column) break;
    from = above;
  }
  return from;
}

/** Behind the last line, and behind comments that stand further in. */
function closed(text: string, start: number, end: number | undefined, column: number): number {
  let last = Math.max(end ?? start, start + 1);
  while (last > start + 1 && /\s/.test(text.charAt(last - 1))) last -= 1;
  let to = lineEnd(text, last - 1);
  for (let next = to; next < text.length; next = lineEnd(text, next)) {
    const line = text.slice(next, lineEnd(text, next));
    if (line.trim() === "") continue;
    if (!COMMENT.test(line) || indentOf(line) <= column) break;
    to = lineEnd(text, next);
  }
  return to;
}

/** The column of a block collection's members; undefined for `{}`, `[]` and nothing. */
export function columnOf(text: string, node: Node | undefined): number | undefined {
  if (isSeq(node) && !node.flow) {
    const dash = dashOf(node, 0);
    return dash === undefined ? undefined : dash - lineStart(text, dash);
  }
  if (isMap(node) && !node.flow) {
    const at = (node.items[0]?.key as Node | undefined)?.range?.[0];
    return at === undefined ? undefined : at - lineStart(text, at);
  }
  return undefined;
}

/** Lines moved to another column; what is in block scalars moves along, empty lines stay empty. */
export function moved(lines: string, from: number, to: number): string {
  if (from === to) return lines;
  return lines
    .split("\n")
    .map((line) => {
      if (line.trim() === "") return line;
      return to > from ? " ".repeat(to - from) + line : line.slice(Math.min(from - to, indentOf(line)));
    })
    .join("\n");
}
