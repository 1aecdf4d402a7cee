import { isSeq } from "yaml";

import { itemExtent } from "./extent";
import { lineOf, nodeAt, parse } from "./source";
import { type Block, listOf, type Task, tasksOf } from "./tasks";

/** What the host says of a text. */
export interface TextProblem {
  path: string;
  line: number | null;
  fact: string;
  remedy: string;
  severity: string;
}

/** Problems by the innermost task that they are in. */
export function problemsByTask(root: Block, problems: readonly TextProblem[]): ReadonlyMap<string, string> {
  const pointers = tasksOf(root).map(({ pointer }) => pointer);
  const found = new Map<string, string>();
  for (const { path, fact } of problems) {
    const pointer = pointers.findLast((one) => path === one || path.startsWith(`${one}/`));
    if (pointer !== undefined) found.set(pointer, [found.get(pointer), fact].filter(Boolean).join("; "));
  }
  return found;
}

/** Those of a task itself and not of the tasks inside it. */
export function problemsOf<Problem extends TextProblem>(task: Task, problems: readonly Problem[]): Problem[] {
  const inner = task.blocks.flatMap(tasksOf).map(({ pointer }) => pointer);
  return problems.filter(
    ({ path }) =>
      (path === task.pointer || path.startsWith(`${task.pointer}/`)) &&
      !inner.some((one) => path === one || path.startsWith(`${one}/`)),
  );
}

/** First and last line of each task. */
export function linesByTask(text: string, root: Block): ReadonlyMap<string, readonly [number, number]> {
  const document = parse(text);
  const found = new Map<string, readonly [number, number]>();
  for (const { path, pointer } of tasksOf(root)) {
    const { list, index } = listOf(path);
    const seq = nodeAt(document, list);
    const extent = isSeq(seq) ? itemExtent(text, seq, index) : undefined;
    if (extent) found.set(pointer, [lineOf(text, extent.from), lineOf(text, extent.to - 1)]);
  }
  return found;
}

/** The innermost task on a line. */
export function taskOnLine(
  lines: ReadonlyMap<string, readonly [number, number]>,
  line: number,
): string | undefined {
  return [...lines].findLast(([, [from, to]]) => from <= line && line <= to)?.[0];
}
