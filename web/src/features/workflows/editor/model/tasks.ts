import { type Arm, armsOf } from "./arms";
import { isObject, memberOf, type Path, pointerOf, valueAt } from "./path";

export const KINDS = [
  "call",
  "ask",
  "set",
  "switch",
  "for",
  "fork",
  "try",
  "do",
  "raise",
  "wait",
  "emit",
  "listen",
  "run",
] as const;

export type Kind = (typeof KINDS)[number] | "decide" | "script" | "unknown";
export type Role = "do" | "arm" | "branches" | "try" | "catch" | "each" | "compensate";

/** One way out of a switch. */
export interface Case {
  name: string;
  when: string | undefined;
  then: string;
}

/** A task as the canvas draws it. */
export interface Task {
  /** Of the task's own value: `["do", 0, "fetch"]`. */
  path: Path;
  pointer: string;
  name: string;
  kind: Kind;
  /** What it does, in a few words of the document. */
  about: string;
  value: Record<string, unknown>;
  then: string;
  cases: readonly Case[];
  blocks: readonly Block[];
}

/** A list of tasks. */
export interface Block {
  /** Of the list. */
  path: Path;
  pointer: string;
  role: Role;
  /** The way of a decision that it is. */
  arm?: Arm;
  tasks: readonly Task[];
}

const MOST_DEPTH = 40;

/** The tasks of a document; what is no task is left out, for it may be half written. */
export function blockOf(document: unknown): Block {
  return readBlock(memberOf(document, "do"), ["do"], "do", 0);
}

function readBlock(value: unknown, path: Path, role: Role, depth: number): Block {
  const items: unknown[] = Array.isArray(value) && depth < MOST_DEPTH ? value : [];
  const tasks = items.flatMap((item, index) => {
    const [name, inner] = isObject(item) ? (Object.entries(item)[0] ?? []) : [];
    return name === undefined ? [] : [readTask(name, inner, [...path, index, name], depth)];
  });
  return { path, pointer: pointerOf(path), role, tasks };
}

function readTask(name: string, inner: unknown, path: Path, depth: number): Task {
  const value = isObject(inner) ? inner : {};
  const plain = kindOf(value);
  const arms = plain === "do" ? armsOf(value, path) : undefined;
  const kind = arms ? "decide" : plain;
  const inArms = (arms ?? []).map((arm) => {
    const list = arm.group && valueAt(value, arm.list.slice(path.length));
    return { ...readBlock(list, arm.list, "arm", depth + 1), arm };
  });
  const others = placesOf(value, kind).map(([role, at]) =>
    readBlock(valueAt(value, at), [...path, ...at], role, depth + 1),
  );
  const blocks = [...inArms, ...others];
  const then = value["then"];
  return {
    path,
    pointer: pointerOf(path),
    name,
    kind,
    about: aboutOf(value, kind),
    value,
    then: typeof then === "string" ? then : "continue",
    cases: kind === "switch" ? casesOf(value["switch"]) : [],
    blocks,
  };
}

function kindOf(value: Record<string, unknown>): Kind {
  if (valueAt(value, ["host", "approval"]) !== undefined) return "ask";
  if (valueAt(value, ["run", "script"]) !== undefined) return "script";
  // `do` last: `for` has one too.
  const order = [
    "call",
    "set",
    "switch",
    "for",
    "fork",
    "try",
    "raise",
    "wait",
    "emit",
    "listen",
    "run",
    "do",
  ] as const;
  const found = order.find((kind) => Object.hasOwn(value, kind));
  if (found) return found;
  return valueAt(value, ["host", "until"]) !== undefined ? "wait" : "unknown";
}

function placesOf(value: Record<string, unknown>, kind: Kind): [Role, Path][] {
  const places: [Role, Path][] = [];
  if (kind === "do" || kind === "for") places.push(["do", ["do"]]);
  if (kind === "fork") places.push(["branches", ["fork", "branches"]]);
  if (kind === "try") places.push(["try", ["try"]], ["catch", ["catch", "do"]]);
  if (kind === "listen" && Object.hasOwn(value, "foreach")) places.push(["each", ["foreach", "do"]]);
  if (valueAt(value, ["host", "compensate"]) !== undefined)
    places.push(["compensate", ["host", "compensate"]]);
  return places;
}

function casesOf(value: unknown): Case[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    const [name, inner] = isObject(item) ? (Object.entries(item)[0] ?? []) : [];
    if (name === undefined) return [];
    const when = memberOf(inner, "when");
    const then = memberOf(inner, "then");
    return [
      {
        name,
        when: when === undefined ? undefined : shown(when),
        then: typeof then === "string" ? then : "continue",
      },
    ];
  });
}

/** A value in one short line. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) as string | undefined);
  const line = (text ?? "").replaceAll(/\s+/g, " ").trim();
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

const ABOUT: Partial<Record<Kind, (value: Record<string, unknown>) => unknown>> = {
  call: (value) => {
    const ref = value["call"];
    if (ref !== "http") return ref;
    const endpoint = valueAt(value, ["with", "endpoint"]);
    const uri = isObject(endpoint) ? endpoint["uri"] : endpoint;
    return [valueAt(value, ["with", "method"]), uri].filter((part) => typeof part === "string").join(" ");
  },
  ask: (value) => valueAt(value, ["host", "approval", "title"]),
  decide: (value) => (armsOf(value, []) ?? []).map(({ name }) => name).join(", "),
  set: (value) => (isObject(value["set"]) ? Object.keys(value["set"]).join(", ") : value["set"]),
  switch: (value) =>
    casesOf(value["switch"])
      .map(({ name }) => name)
      .join(", "),
  for: (value) => valueAt(value, ["for", "in"]),
  raise: (value) => valueAt(value, ["raise", "error", "title"]) ?? valueAt(value, ["raise", "error"]),
  wait: (value) => valueAt(value, ["host", "until"]) ?? durationText(value["wait"]),
  emit: (value) => valueAt(value, ["emit", "event", "with", "type"]),
  listen: (value) => valueAt(value, ["listen", "to", "one", "with", "type"]),
  run: (value) => valueAt(value, ["run", "workflow", "name"]),
  script: (value) => valueAt(value, ["run", "script", "language"]),
};

function aboutOf(value: Record<string, unknown>, kind: Kind): string {
  const about = ABOUT[kind]?.(value);
  return about === undefined || about === null ? "" : shown(about);
}

const UNITS: [string, string][] = [
  ["days", "d"],
  ["hours", "h"],
  ["minutes", "min"],
  ["seconds", "s"],
  ["milliseconds", "ms"],
];

export function durationText(value: unknown): string {
  if (!isObject(value)) return typeof value === "string" ? value : "";
  return UNITS.filter(([name]) => value[name] !== undefined)
    .map(([name, unit]) => `${shown(value[name])} ${unit}`)
    .join(" ");
}

/** Whether its blocks stand side by side, each with its name. */
export const hasLanes = ({ kind, blocks }: Task) => blocks.length > 1 || kind === "decide";

/** How many tasks there are, with those inside others. */
export function countOf(block: Block): number {
  return block.tasks.reduce(
    (sum, { blocks }) => blocks.reduce((inner, one) => inner + countOf(one), sum),
    block.tasks.length,
  );
}

/** All tasks, each before what is inside it, as one reads them. */
export function tasksOf(block: Block): Task[] {
  return block.tasks.flatMap((task) => [task, ...task.blocks.flatMap(tasksOf)]);
}

export function taskAt(block: Block, pointer: string): Task | undefined {
  return tasksOf(block).find((task) => task.pointer === pointer);
}

/** The names that the loops around a task give their items, from outside to inside. */
export function loopNames(block: Block, pointer: string): string[] {
  const around = tasksOf(block).filter(
    (task) => task.kind === "for" && pointer.startsWith(`${task.pointer}/`),
  );
  return around.map(({ value }) => {
    const each = valueAt(value, ["for", "each"]);
    return typeof each === "string" && each ? each : "item";
  });
}

/** The list that a task stands in, and where in it. */
export function listOf(path: Path): { list: Path; index: number } {
  return { list: path.slice(0, -2), index: Number(path[path.length - 2]) };
}
