import { partNames } from "./arms";
import { read } from "./source";
import { blockOf, tasksOf } from "./tasks";

/** Where a list must not be empty, until its own items are in it. */
export const STAND_IN = { "stand-in": { set: {} } };

/** All names of tasks in a text. */
export function namesIn(text: string): Set<string> {
  const tasks = tasksOf(blockOf(read(text).value));
  return new Set(
    tasks.flatMap(({ name, kind, value }) => [name, ...(kind === "decide" ? partNames(value) : [])]),
  );
}

/** A name that no task has: `fetch`, `fetch-2`. */
export function freeName(text: string, wanted: string, taken = namesIn(text)): string {
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
}
