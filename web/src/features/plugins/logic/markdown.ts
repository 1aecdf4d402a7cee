/** A piece of a line; a link leads to a page of the web. */
export interface Span {
  kind: "text" | "code" | "strong" | "em" | "link";
  text: string;
  to?: string;
}

/** A block of a README. `text` is that of code as it is written; `items` are lines, each of spans. */
export interface Block {
  kind: "heading" | "paragraph" | "list" | "ordered" | "quote" | "code";
  level: number;
  items: Span[][];
  text: string;
}

const MOST_LINES = 2000;
const FENCE = /^ {0,3}(```|~~~)/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const BULLET = /^\s*[-*+][ \t]+(.*)$/;
const NUMBER = /^\s*\d{1,9}[.)][ \t]+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const SPAN = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|!?\[([^[\]]*)\]\(([^()\s]*)\)/g;

/**
 * The blocks of a README by a stranger. What is not among the usual marks of Markdown stays text, HTML above all;
 * pictures are the words for them, and links that do not lead to https:// are words too.
 */
export function blocksOf(readme: string): Block[] {
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  let code: string[] | undefined;
  const close = () => {
    if (paragraph.length > 0) blocks.push(block("paragraph", [spansOf(paragraph.join(" "))]));
    paragraph = [];
  };
  for (const line of readme.split(/\r?\n/, MOST_LINES)) {
    if (code) {
      if (FENCE.test(line)) {
        blocks.push({ ...block("code", []), text: code.join("\n") });
        code = undefined;
      } else code.push(line);
      continue;
    }
    const heading = HEADING.exec(line);
    const item = listItem(line);
    if (FENCE.test(line)) {
      close();
      code = [];
    } else if (heading) {
      close();
      blocks.push({ ...block("heading", [spansOf(heading[2] ?? "")]), level: heading[1]?.length ?? 1 });
    } else if (item) {
      close();
      const last = blocks.at(-1);
      if (last?.kind === item.kind) last.items.push(spansOf(item.text));
      else blocks.push(block(item.kind, [spansOf(item.text)]));
    } else if (line.trim() === "") close();
    else paragraph.push(line.trim());
  }
  close();
  if (code) blocks.push({ ...block("code", []), text: code.join("\n") });
  return blocks;
}

function block(kind: Block["kind"], items: Span[][]): Block {
  return { kind, level: 0, items, text: "" };
}

function listItem(line: string): { kind: Block["kind"]; text: string } | undefined {
  for (const [kind, pattern] of [
    ["list", BULLET],
    ["ordered", NUMBER],
    ["quote", QUOTE],
  ] as const) {
    const found = pattern.exec(line);
    if (found) return { kind, text: found[1] ?? "" };
  }
  return undefined;
}

/** The pieces of a line. */
export function spansOf(line: string): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const found of line.matchAll(SPAN)) {
    if (found.index > at) spans.push({ kind: "text", text: line.slice(at, found.index) });
    spans.push(spanOf(found));
    at = found.index + found[0].length;
  }
  if (at < line.length) spans.push({ kind: "text", text: line.slice(at) });
  return spans;
}

function spanOf([whole, code, strong, em, words, to]: RegExpExecArray): Span {
  if (code !== undefined) return { kind: "code", text: code };
  if (strong !== undefined) return { kind: "strong", text: strong };
  if (em !== undefined) return { kind: "em", text: em };
  const isLink = !whole.startsWith("!") && to !== undefined && isWeb(to);
  return isLink ? { kind: "link", text: words || to, to } : { kind: "text", text: words ?? "" };
}

/** Whether an address leads to a page of the web, over TLS and without a name and password in it. */
function isWeb(address: string): boolean {
  try {
    const url = new URL(address);
    return url.protocol === "https:" && url.username === "" && url.password === "";
  } catch {
    return false;
  }
}
