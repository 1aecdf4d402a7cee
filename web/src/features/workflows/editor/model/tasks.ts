import { aboutOf, type Case, casesOf } from "./about";
import { type Arm, armsOf } from "./arms";
import { type FlatDecision, flatDecision, listed, type Written } from "./flat-arms";
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
  /** Of each slot in the list, where arms of a flat decision have their tasks in it too. */
  places?: readonly number[];
}

/** Where in its list a slot of a block is. */
export const placeOf = ({ places }: Block, slot: number) => places?.[slot] ?? slot;

/** The block that a task stands in, and where in it. */
export function whereOf(root: Block, pointer: string): { block: Block; at: number } | undefined {
  const at = root.tasks.findIndex((task) => task.pointer === pointer);
  if (at >= 0) return { block: root, at };
  for (const { blocks } of root.tasks) {
    for (const block of blocks) {
      const found = whereOf(block, pointer);
      if (found) return found;
    }
  }
  return undefined;
}

const MOST_DEPTH = 40;

/** The tasks of a document; what is no task is left out, for it may be half written. */
export function blockOf(document: unknown): Block {
  return readBlock(memberOf(document, "do"), ["do"], "do", 0);
}

function readBlock(value: unknown, path: Path, role: Role, depth: number): Block {
  const items: unknown[] = Array.isArray(value) && depth < MOST_DEPTH ? value : [];
  const written = items.map((item): Written | undefined => {
    const [name, inner] = isObject(item) ? (Object.entries(item)[0] ?? []) : [];
    return name === undefined ? undefined : [name, isObject(inner) ? inner : {}];
  });
  const isWhole = role !== "branches" && !written.includes(undefined);
  const whole = isWhole && listed(written as Written[]);
  const tasks: Task[] = [];
  const places = [0];
  for (let index = 0; index < written.length; index += 1) {
    const [name, inner] = written[index] ?? [];
    if (name === undefined || inner === undefined) continue;
    const flat = whole ? flatDecision(whole, index) : undefined;
    const own = [...path, index, name];
    tasks.push(flat ? withArms(written as Written[], own, flat, depth) : readTask(name, inner, own, depth));
    if (flat) index = flat.end - 1;
    places.push(index + 1);
  }
  const isFolded = tasks.length < written.length && isWhole;
  return { path, pointer: pointerOf(path), role, tasks, ...(isFolded && { places }) };
}

/** A flat decision as a task with its arms, whose tasks stand in the list behind it. */
function withArms(list: readonly Written[], path: Path, { arms }: FlatDecision, depth: number): Task {
  const [name, value] = list[Number(path[path.length - 2])] ?? ["", {}];
  const around = path.slice(0, -2);
  const blocks = arms.map((arm, at): Block => {
    const own = [...path, "switch", at, arm.name, "then"];
    const tasks = list
      .slice(arm.from, arm.to)
      .map(([inner, what], index) => readTask(inner, what, [...around, arm.from + index, inner], depth + 1));
    const { name: way, when, then } = arm;
    const told = { name: way, when, list: own, group: undefined, then };
    return { path: own, pointer: pointerOf(own), role: "arm", tasks, arm: told };
  });
  return { ...readTask(name, value, path, depth), cases: [], blocks };
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
