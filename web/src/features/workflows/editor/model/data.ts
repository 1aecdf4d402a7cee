import type { Schemas } from "@/shared/api/types";

import { isObject } from "./path";
import { type Block, type Task, tasksOf } from "./tasks";

/** A value that an expression can name. */
export interface Datum {
  /** In jq: `.orders[0]`, `$steps.fetch.output`. */
  path: string;
  label: string;
  /** In short; undefined where no run has shown it. */
  value: unknown;
  isKnown: boolean;
  children: readonly Datum[];
}

/** The data at a task: what expressions see, with values of a run. */
export interface Data {
  tree: readonly Datum[];
  data: unknown;
  variables: Record<string, unknown>;
  isKnown: boolean;
  /** Variables that no run has recorded. */
  unknown: readonly string[];
}

const MOST_DEPTH = 6;
const MOST_MEMBERS = 60;
const PLAIN = /^[A-Za-z_]\w*$/;

/** A member's path in jq. */
function memberPath(path: string, name: string | number): string {
  const base = path === "." ? "" : path;
  if (typeof name === "number") return `${base || "."}[${name}]`;
  if (PLAIN.test(name)) return `${base}.${name}`;
  return `${base || "."}[${JSON.stringify(name)}]`;
}

function datum(path: string, label: string, value: unknown, isKnown: boolean, depth = 0): Datum {
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.map((item: unknown, index) => [index, item])
    : isObject(value)
      ? Object.entries(value)
      : [];
  const children =
    depth < MOST_DEPTH
      ? entries
          .slice(0, MOST_MEMBERS)
          .map(([name, inner]) => datum(memberPath(path, name), String(name), inner, true, depth + 1))
      : [];
  return { path, label, value, isKnown, children };
}

/** What a task can name: its input, the run's, and what earlier steps gave. */
export function dataAt(
  root: Block,
  task: Task | undefined,
  run: Schemas["Run"] | undefined,
  steps: readonly Schemas["RunStep"][],
): Data {
  const latest = new Map(steps.map((step) => [step.path, step]));
  const own = task && latest.get(task.pointer);
  const earlier = earlierThan(root, task);
  const outputs = earlier.flatMap(({ name, pointer }) => {
    const step = latest.get(pointer);
    return step && step.status !== "faulted" ? [[name, { output: step.output }] as const] : [];
  });
  const data = own ? own.input : task ? null : (run?.input ?? null);
  const variables = {
    input: data,
    context: null,
    steps: Object.fromEntries(outputs),
    workflow: { input: run?.input ?? null },
  };
  const known = new Map(outputs.map(([name, { output }]) => [name, output]));
  return {
    tree: [
      datum(".", ".", data, own !== undefined),
      datum("$workflow.input", "$workflow.input", run?.input, run !== undefined),
      datum("$context", "$context", undefined, false),
      ...loopsAround(root, task).map((name) => datum(`$${name}`, `$${name}`, undefined, false)),
      ...earlier.map(({ name }) => {
        const path = `${memberPath("$steps", name)}.output`;
        return datum(path, path, known.get(name), known.has(name));
      }),
    ],
    ...{ data, variables, isKnown: own !== undefined || outputs.length > 0 },
    unknown: [...loopsAround(root, task), "context"],
  };
}

/** Tasks that are done before this one begins, where it is come to in order. */
function earlierThan(root: Block, task: Task | undefined): Task[] {
  const all = tasksOf(root);
  const at = task ? all.findIndex(({ pointer }) => pointer === task.pointer) : all.length;
  return all.slice(0, Math.max(0, at)).filter(({ pointer }) => !task?.pointer.startsWith(`${pointer}/`));
}

function loopsAround(root: Block, task: Task | undefined): string[] {
  const around = tasksOf(root).filter(
    ({ pointer, kind }) => kind === "for" && task?.pointer.startsWith(`${pointer}/`),
  );
  return around.flatMap(({ value }) => {
    const loop = isObject(value["for"]) ? value["for"] : {};
    const name = (given: unknown, usual: string) => (typeof given === "string" && given ? given : usual);
    return [name(loop["each"], "item"), name(loop["at"], "index")];
  });
}

const PATH = /^\$\{\s*[$.][\w.[\]"-]*\s*\}$/;

/** A field's text with a path put where the caret is; a lone path is replaced. */
export function withPath(text: string, path: string, caret: number): string {
  if (text.trim() === "" || PATH.test(text.trim())) return `\${ ${path} }`;
  const end = text.lastIndexOf("}");
  if (!text.includes("${") || end < 0) return `\${ ${path} }`;
  const at = Math.min(Math.max(caret, text.indexOf("${") + 2), end);
  return `${text.slice(0, at).trimEnd()} ${path} ${text.slice(at).trimStart()}`;
}

export const isExpression = (value: unknown): value is string =>
  typeof value === "string" && value.trimStart().startsWith("${");
