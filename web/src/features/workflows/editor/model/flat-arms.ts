import { isObject } from "./path";

/** A task of a list as it is written. */
export type Written = readonly [name: string, value: Record<string, unknown>];

/** One way of a flat decision: its case, and where its own tasks stand in the list. */
export interface FlatArm {
  name: string;
  when: unknown;
  then: "exit" | "end";
  from: number;
  to: number;
}

/** A `switch` that jumps over the tasks behind it as a decision would: its arms, and where they are over. */
export interface FlatDecision {
  arms: readonly FlatArm[];
  /** The task behind all arms, or the end of the list. */
  end: number;
}

const MOST_CASES = 40;
const isEnd = (then: unknown) => then === "end";
const goesOn = (then: unknown) => then === undefined || then === "continue";

/** A list with what is asked of it for each `switch`. */
export interface Listed {
  list: readonly Written[];
  places: ReadonlyMap<unknown, number>;
  /** The first and the last task that jump to a place. */
  from: ReadonlyMap<number, readonly [number, number]>;
}

export function listed(list: readonly Written[]): Listed {
  const places = new Map<unknown, number>(list.map(([name], index) => [name, index]));
  const from = new Map<number, readonly [number, number]>();
  for (const [index, [, value]] of list.entries()) {
    for (const then of thensOf(value)) {
      const target = places.get(then);
      if (target !== undefined) from.set(target, [from.get(target)?.[0] ?? index, index]);
    }
  }
  return { list, places, from };
}

/** The arms of the `switch` at a place, where nothing but its cases leads into them and all leave for one place. */
export function flatDecision(whole: Listed, at: number): FlatDecision | undefined {
  const { list, places } = whole;
  const [, value] = list[at] ?? [];
  if (!value || Object.keys(value).join() !== "switch") return undefined;
  const cases = casesOf(value["switch"]);
  if (!cases || cases.every(({ when }) => when !== undefined)) return undefined;
  const targets = cases.map(({ then }) => targetOf(then, places, at, list.length));
  if (targets.includes(undefined)) return undefined;
  const reached = (targets as number[]).filter((target) => target >= 0);
  const starts = [...new Set(reached)].toSorted((one, other) => one - other);
  if (starts[0] !== at + 1) return undefined;
  for (const end of endsOf(list, starts, places)) {
    const found = armsUntil({ ...whole, at, end }, cases, targets as number[]);
    if (found) return { arms: found, end };
  }
  return undefined;
}

interface Case {
  name: string;
  when: unknown;
  then: unknown;
}

function casesOf(value: unknown): Case[] | undefined {
  if (!Array.isArray(value) || value.length < 2 || value.length > MOST_CASES) return undefined;
  const cases = value.map((item: unknown): Case | undefined => {
    const [entry, ...others] = isObject(item) ? Object.entries(item) : [];
    if (!entry || others.length > 0 || !isObject(entry[1])) return undefined;
    return { name: entry[0], when: entry[1]["when"], then: entry[1]["then"] };
  });
  return cases.includes(undefined) ? undefined : (cases as Case[]);
}

/** Where a case leads to in the list; -1 is the end of the run. */
function targetOf(then: unknown, places: ReadonlyMap<unknown, number>, at: number, length: number) {
  if (isEnd(then)) return -1;
  if (then === "exit") return length;
  if (goesOn(then)) return at + 1;
  const found = places.get(then);
  return found !== undefined && found > at ? found : undefined;
}

/** Where the arms may be over: at a target, where the last task of an arm goes, or at the end of the list. */
function endsOf(
  list: readonly Written[],
  starts: readonly number[],
  places: ReadonlyMap<unknown, number>,
): number[] {
  const [first = 0] = starts;
  const left = starts.slice(1).map((start) => places.get(list[start - 1]?.[1]["then"]) ?? -1);
  const all = new Set([...starts, ...left, ...(starts.length > 1 ? [list.length] : [])]);
  return [...all].filter((end) => end > first).toSorted((one, other) => one - other);
}

interface Range extends Listed {
  at: number;
  end: number;
}

function armsUntil(range: Range, cases: readonly Case[], targets: readonly number[]): FlatArm[] | undefined {
  const { end } = range;
  if (targets.some((target) => target > end)) return undefined;
  const inside = targets.filter((target) => target >= 0 && target < end);
  const starts = inside.toSorted((one, other) => one - other);
  if (new Set(starts).size !== starts.length) return undefined; // two ways into one arm
  const limits = new Map(starts.map((start, index) => [start, starts[index + 1] ?? end]));
  const isWhole = [...limits].every(([from, to]) => isArm(range, from, to));
  if (!isWhole || !isClosed(range)) return undefined;
  return cases.map(({ name, when, then }, index) => {
    const from = targets[index] ?? -1;
    const to = limits.get(from);
    return to === undefined
      ? { name, when, then: isEnd(then) ? "end" : "exit", from: end, to: end }
      : { name, when, then: "exit", from, to };
  });
}

/** Whether tasks go on from one to the next, jump only among themselves, and leave for the end of the decision. */
function isArm({ list, places, end }: Range, from: number, to: number): boolean {
  const isOwn = (then: unknown) => {
    const target = places.get(then);
    return target !== undefined && target >= from && target < to;
  };
  return list.slice(from, to).every(([, value], index) => {
    const isLast = from + index === to - 1;
    const leaves = (then: unknown) =>
      (goesOn(then) && to === end) || (end === list.length ? then === "exit" : then === list[end]?.[0]);
    const thens = thensOf(value);
    return thens.every((then, place) => {
      if (isEnd(then) || isOwn(then)) return true;
      return isLast ? place === 0 && leaves(then) : goesOn(then);
    });
  });
}

/** The ways of a task: its own, then those of its cases. */
function thensOf(value: Record<string, unknown>): unknown[] {
  const cases: unknown[] = Array.isArray(value["switch"]) ? value["switch"] : [];
  const inner = cases.flatMap((item) => (isObject(item) ? Object.values(item) : []));
  return [value["then"], ...inner.map((one) => (isObject(one) ? one["then"] : undefined))];
}

/** Whether nothing outside leads into the arms. */
function isClosed({ from, at, end }: Range): boolean {
  for (let place = at + 1; place < end; place += 1) {
    const [first, last] = from.get(place) ?? [at, at];
    if (first < at || last >= end) return false;
  }
  return true;
}
