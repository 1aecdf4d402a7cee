import { isObject, memberOf, type Path, valueAt } from "./path";

/** One way out of a decision, with a place for its own steps. */
export interface Arm {
  name: string;
  /** Undefined: all the rest. */
  when: unknown;
  /** Of its steps; where it has none yet, of the `then` of its case. */
  list: Path;
  /** The group that holds its steps. */
  group: { index: number; name: string } | undefined;
  /** What follows the decision: "exit", or "end" for an arm that ends the run. */
  then: "exit" | "end";
}

type Entry = [name: string, value: Record<string, unknown>];

/**
 * The arms of a decision: a group whose first task is a `switch` and whose others are the groups that it leads to,
 * each of which leaves the decision. An arm without steps has no group, for a group cannot be empty.
 */
export function armsOf(value: unknown, path: Path): Arm[] | undefined {
  const [first, ...groups] = entriesOf(memberOf(value, "do")) ?? [];
  if (!first || Object.keys(first[1]).join() !== "switch") return undefined;
  const cases = entriesOf(first[1]["switch"]);
  if (!cases || cases.length === 0 || !groups.every(isArm)) return undefined;
  const targets = cases.map(([, way]) => way["then"]);
  if (!groups.every(([name]) => targets.filter((target) => target === name).length === 1)) return undefined;
  const arms = cases.map(([name, way], at): Arm | undefined => {
    const index = groups.findIndex(([group]) => group === way["then"]);
    const found = groups[index];
    if (!found && !isWayOut(way["then"])) return undefined;
    const place = found
      ? [...path, "do", index + 1, found[0], "do"]
      : [...path, "do", 0, first[0], "switch", at, name, "then"];
    return {
      ...{ name, when: way["when"], list: place },
      group: found && { index: index + 1, name: found[0] },
      then: (found ? found[1]["then"] : way["then"]) === "end" ? "end" : "exit",
    };
  });
  return arms.includes(undefined) ? undefined : (arms as Arm[]);
}

/** Of the list of an arm that has no steps yet: the decision, and which of its cases it is. */
export function emptyArmAt(list: Path): { decision: Path; at: number } | undefined {
  const [word, number] = [list[list.length - 4], list[list.length - 3]];
  const isOne = list[list.length - 1] === "then" && word === "switch" && typeof number === "number";
  return isOne ? { decision: list.slice(0, -7), at: number } : undefined;
}

/** The path of a case of a decision. */
export function casePath(value: unknown, decision: Path, at: number): Path | undefined {
  const [choice] = entriesOf(valueAt(value, [...decision, "do"])) ?? [];
  const [name] = entriesOf(choice?.[1]["switch"])?.[at] ?? [];
  return choice && name !== undefined ? [...decision, "do", 0, choice[0], "switch", at, name] : undefined;
}

/** The names of the tasks that a decision is made of, besides those in its arms. */
export function partNames(value: unknown): string[] {
  return (entriesOf(memberOf(value, "do")) ?? []).map(([name]) => name);
}

const isWayOut = (then: unknown) => then === "exit" || then === "end";

function isArm([, value]: Entry, at: number, all: readonly Entry[]): boolean {
  const isPlain = Object.keys(value).every((name) => name === "do" || name === "then");
  const leaves = isWayOut(value["then"]) || (at === all.length - 1 && value["then"] === undefined);
  return isPlain && Array.isArray(value["do"]) && leaves;
}

function entriesOf(list: unknown): Entry[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const found = list.map((item: unknown) => (isObject(item) ? Object.entries(item) : []));
  const isWhole = found.every((entries) => entries.length === 1 && isObject(entries[0]?.[1]));
  return isWhole ? found.map(([entry]) => entry as Entry) : undefined;
}
