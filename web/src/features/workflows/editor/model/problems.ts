import { isSeq } from "yaml";

import { itemExtent } from "./extent";
import { linesIn, nodeAt, parse } from "./source";
import { type Block, listOf, type Task, tasksOf } from "./tasks";

/** What the host says of a text. */
export interface TextProblem {
  path: string;
  line: number | null;
  fact: string;
  remedy: string;
  severity: string;
}

/** Whether it keeps the text from being saved. */
export const isError = ({ severity }: TextProblem) => severity === "error";

/** What is wrong at one task. */
export interface TaskProblem {
  told: string;
  isError: boolean;
}

/** Problems by the innermost task that they are in. */
export function problemsByTask(
  root: Block,
  problems: readonly TextProblem[],
): ReadonlyMap<string, TaskProblem> {
  const pointers = new Set(problems.length > 0 ? tasksOf(root).map(({ pointer }) => pointer) : []);
  const found = new Map<string, TaskProblem>();
  for (const problem of problems) {
    const pointer = innermost(pointers, problem.path);
    if (pointer === undefined) continue;
    const before = found.get(pointer);
    found.set(pointer, {
      told: before ? `${before.told}; ${problem.fact}` : problem.fact,
      isError: isError(problem) || (before?.isError ?? false),
    });
  }
  return found;
}

/** The longest of the pointers that a path is at or under. */
function innermost(pointers: ReadonlySet<string>, path: string): string | undefined {
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
    const outer = path.slice(0, end);
    if (pointers.has(outer)) return outer;
  }
  return undefined;
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
  const lineOf = linesIn(text);
  const found = new Map<string, readonly [number, number]>();
  for (const { path, pointer } of tasksOf(root)) {
    const { list, index } = listOf(path);
    const seq = nodeAt(document, list);
    const extent = isSeq(seq) ? itemExtent(text, seq, index) : undefined;
    if (extent) found.set(pointer, [lineOf(extent.from), lineOf(extent.to - 1)]);
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
