import { type Document, isCollection, isMap, isScalar, isSeq, type Node, stringify } from "yaml";

import { columnOf, type Extent, itemExtent, moved, pairExtent } from "./extent";
import { isObject, isSame, memberOf, type Path, valueAt, withValue } from "./path";
import { endOf, nodeAt, pairOf, parse, read } from "./source";

const STYLE = { indent: 2, lineWidth: 0, aliasDuplicateObjects: false } as const;

/** A value at a path becomes another; undefined takes it out. All other text stays as it is. */
export function setValue(text: string, path: Path, next: unknown): string {
  const before = read(text).value;
  const old = valueAt(before, path);
  if (isSame(old, next)) return text;
  if (isObject(old) && isObject(next) && Object.keys(old).length > 0 && Object.keys(next).length > 0) {
    return members(text, path, old, next);
  }
  const wanted = withValue(before, path, next);
  const spliced =
    inFlow(text, path, wanted) ?? (next === undefined ? without(text, path) : placed(text, path, next));
  return sure(text, spliced, wanted, (document) => {
    if (next === undefined) document.deleteIn(path);
    else document.setIn(path, document.createNode(next));
  });
}

function members(
  text: string,
  path: Path,
  old: Record<string, unknown>,
  next: Record<string, unknown>,
): string {
  let result = text;
  for (const [name, value] of Object.entries(next)) result = setValue(result, [...path, name], value);
  for (const name of Object.keys(old)) {
    if (!Object.hasOwn(next, name)) result = setValue(result, [...path, name], undefined);
  }
  return result;
}

/** An item comes into a list before the one at `index`. The list is made where it is not there. */
export function insertItem(text: string, list: Path, index: number, item: unknown, lines?: string): string {
  const before = read(text).value;
  const old = valueAt(before, list);
  const items: unknown[] = Array.isArray(old) ? old : [];
  if (items.length === 0 && lines === undefined) return setValue(text, list, [item]);
  const wanted = withValue(before, list, items.toSpliced(index, 0, item));
  const written = lines ?? stringify([item], STYLE);
  return sure(
    text,
    inFlow(text, [...list, 0], wanted) ?? joined(text, list, index, written),
    wanted,
    (document) => {
      document.setIn(list, document.createNode(items.toSpliced(index, 0, item)));
    },
  );
}

export function removeItem(text: string, list: Path, index: number): string {
  const before = read(text).value;
  const items = valueAt(before, list);
  if (!Array.isArray(items)) return text;
  if (items.length === 1) return setValue(text, list, []);
  const wanted = withValue(before, list, items.toSpliced(index, 1));
  const document = parse(text);
  const seq = nodeAt(document, list);
  const extent = isSeq(seq) ? itemExtent(text, seq, index) : undefined;
  const spliced = extent && text.slice(0, extent.from) + text.slice(extent.to);
  return sure(text, spliced ?? inFlow(text, [...list, index], wanted), wanted, (whole) =>
    whole.deleteIn([...list, index]),
  );
}

/** An item's own lines with their comments, beginning at the first column. */
export function itemText(text: string, list: Path, index: number): string | undefined {
  const seq = nodeAt(parse(text), list);
  const extent = isSeq(seq) ? itemExtent(text, seq, index) : undefined;
  if (extent) return ended(moved(text.slice(extent.from, extent.to), extent.column, 0));
  const item = memberOf(valueAt(read(text).value, list), index);
  return item === undefined ? undefined : stringify([item], STYLE);
}

/** The name of a member becomes another; its value is not touched. */
export function renameKey(text: string, path: Path, name: string): string {
  const parent = nodeAt(parse(text), path.slice(0, -1));
  const key = isMap(parent) ? pairOf(parent, path[path.length - 1] ?? "")?.key : undefined;
  if (!isScalar(key) || !key.range) return text;
  return text.slice(0, key.range[0]) + inline(name) + text.slice(key.range[1]);
}

/** The spliced text when it says what is wanted; otherwise the smallest part around the edit is written anew. */
function sure(
  text: string,
  spliced: string | undefined,
  wanted: unknown,
  change: (document: Document.Parsed) => void,
): string {
  if (spliced !== undefined) {
    const { value, problem } = read(spliced);
    if (!problem && isSame(value, wanted)) return spliced;
  }
  const document = parse(text);
  change(document);
  const written = document.toString(STYLE);
  const { value, problem } = read(written);
  return !problem && isSame(value, wanted) ? written : stringify(wanted, STYLE);
}

/** The outermost `{…}` or `[…]` around a path written anew, where it is one line with something in it. */
function inFlow(text: string, path: Path, wanted: unknown): string | undefined {
  const document = parse(text);
  for (let length = 0; length < path.length; length += 1) {
    const around = path.slice(0, length);
    const node = nodeAt(document, around);
    if (!isCollection(node) || !node.flow) continue;
    const [from, to] = node.range ?? [0, 0];
    if (node.items.length === 0 || text.slice(from, to).includes("\n")) return undefined;
    const written = stringify(valueAt(wanted, around), { ...STYLE, collectionStyle: "flow" });
    return text.slice(0, from) + written.trimEnd() + text.slice(to);
  }
  return undefined;
}

function placed(text: string, path: Path, next: unknown): string | undefined {
  const part = path[path.length - 1];
  if (part === undefined) return undefined;
  const document = parse(text);
  const around = path.slice(0, -1);
  const parent = nodeAt(document, around);
  const old = nodeAt(document, path);
  if (
    isScalar(old) &&
    old.range &&
    old.source !== undefined &&
    isShort(old, next) &&
    old.range[1] > old.range[0]
  ) {
    return text.slice(0, old.range[0]) + inline(next) + text.slice(old.range[1]);
  }
  if (isMap(parent) && !parent.flow && parent.items.length > 0) return pairPlaced(text, parent, part, next);
  if (isSeq(parent)) {
    const extent = itemExtent(text, parent, Number(part));
    return extent && replaced(text, extent, stringify([next], STYLE));
  }
  const hasText = isCollection(parent) && parent.items.length > 0;
  return hasText || around.length === 0 ? undefined : placed(text, around, { [part]: next });
}

function pairPlaced(text: string, parent: Node, part: string | number, next: unknown): string | undefined {
  if (!isMap(parent)) return undefined;
  const pair = pairOf(parent, part);
  const written = stringify({ [part]: next }, STYLE);
  if (pair) {
    const extent = pairExtent(text, parent, pair);
    if (!extent) return undefined;
    const key = pair.key.range?.[0] ?? extent.from + extent.column;
    const end = endOf(pair.value);
    const tail = end === undefined ? "" : text.slice(end, text.indexOf("\n", end) >>> 0).trim();
    const noted = tail.startsWith("#") ? written.replace("\n", ` ${tail}\n`) : written;
    return replaced(text, { ...extent, from: key - extent.column }, noted); // the comments above it stay
  }
  const column = columnOf(text, parent);
  const end = endOf(parent);
  const last = parent.items[parent.items.length - 1];
  if (column === undefined || end === undefined || !last) return undefined;
  const extent = pairExtent(text, parent, last as Parameters<typeof pairExtent>[2]);
  const at = extent?.to ?? after(text, end);
  return inserted(text, at, moved(written, 0, column));
}

function without(text: string, path: Path): string | undefined {
  const part = path[path.length - 1];
  const parent = nodeAt(parse(text), path.slice(0, -1));
  if (part === undefined || !isMap(parent)) return undefined;
  if (parent.items.length === 1 && path.length > 1) return placed(text, path.slice(0, -1), {});
  const pair = pairOf(parent, part);
  const extent = pair && pairExtent(text, parent, pair);
  return extent && text.slice(0, extent.from) + text.slice(extent.to);
}

function joined(text: string, list: Path, index: number, written: string): string | undefined {
  const document = parse(text);
  const seq = nodeAt(document, list);
  if (isSeq(seq) && !seq.flow && seq.items.length > 0) {
    const column = columnOf(text, seq) ?? 0;
    const next = index < seq.items.length ? itemExtent(text, seq, index)?.from : undefined;
    const at = next ?? itemExtent(text, seq, seq.items.length - 1)?.to;
    return at === undefined ? undefined : inserted(text, at, moved(written, 0, column));
  }
  const made = placed(text, list, "\u0000"); // the list's line, and its lines below it
  const holder = made && nodeAt(parse(made), list);
  if (!made || !isScalar(holder) || !holder.range) return undefined;
  const start = made.lastIndexOf("\n", holder.range[0]) + 1;
  const column = made.slice(start).length - made.slice(start).trimStart().length + 2;
  const head = made.slice(0, holder.range[0]).trimEnd();
  const rest = made.slice(holder.range[1]);
  return `${head}\n${moved(written, 0, column).trimEnd()}${rest}`;
}

const replaced = (text: string, { from, to, column }: Extent, written: string) =>
  text.slice(0, from) + ended(moved(written, 0, column)) + text.slice(to);

function inserted(text: string, at: number, lines: string): string {
  const before = at > 0 && text.charAt(at - 1) !== "\n" ? "\n" : "";
  return text.slice(0, at) + before + ended(lines) + text.slice(at);
}

function after(text: string, end: number): number {
  const at = text.indexOf("\n", end - 1);
  return at < 0 ? text.length : at + 1;
}

const ended = (lines: string) => (lines.endsWith("\n") ? lines : `${lines}\n`);
const inline = (value: unknown) => stringify(value, { ...STYLE, defaultStringType: "PLAIN" }).trimEnd();

/** Whether a value can stand where the old one stands, on the same line. */
function isShort(old: Node, next: unknown): boolean {
  if (isCollection(old) || (typeof next === "object" && next !== null)) return false;
  return (
    !(typeof next === "string" && next.includes("\n")) &&
    !String((old as { type?: string }).type).startsWith("BLOCK")
  );
}
