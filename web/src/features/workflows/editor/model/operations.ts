import { stringify } from "yaml";

import { armsOf, casePath, emptyArmAt } from "./arms";
import { insertItem, itemText, removeItem, renameKey, setValue } from "./edit";
import { freeName, STAND_IN } from "./names";
import { isObject, type Path, pointerOf, valueAt } from "./path";
import { setField } from "./setting";
import { read } from "./source";
import { blockOf, listOf, tasksOf } from "./tasks";
import { unfolded, unfoldedAt } from "./unfold";

/** A text after an edit, and what is selected then. */
export interface Edited {
  text: string;
  selected: readonly string[];
}

const CLIPBOARD_MOST = 200_000;

/** A new text as a person meets it in the editor. */
export function newWorkflow(name: string): string {
  return `document:\n  dsl: 1.0.3\n  namespace: default\n  name: ${name}\n  version: 0.1.0\ndo: []\n`;
}

/** The text under a name, and a title where there is one. */
export function named(text: string, name: string, title: string): string {
  const at = (member: string) => valueAt(read(text).value, ["document", member]);
  const done = at("name") === name ? text : setValue(text, ["document", "name"], name);
  return title === (at("title") ?? "") ? done : setField(done, ["document"], ["title"], title || undefined);
}

export function addTask(before: string, at: Path, place: number, name: string, value: unknown): Edited {
  const { text, list, index } = unfoldedAt(before, at, place);
  const free = freeName(text, name);
  const done = put(text, list, index, { [free]: withOwnNames(free, value) });
  return { text: done.text, selected: [pointerOf([...done.list, index, free])] };
}

/** A new decision, whose choice is called after it: names are unique in a workflow. */
function withOwnNames(name: string, value: unknown): unknown {
  const choice = isObject(value) && armsOf(value, []) ? valueAt(value, ["do", 0]) : undefined;
  if (!isObject(value) || !isObject(choice)) return value;
  return { ...value, do: [{ [`${name}-cases`]: Object.values(choice)[0] }] };
}

/** An item comes into a list, or into an arm that has no steps yet, which gets its group. */
function put(
  text: string,
  list: Path,
  index: number,
  item: unknown,
  lines?: string,
): { text: string; list: Path } {
  const empty = emptyArmAt(list);
  if (!empty) return { text: insertItem(text, list, index, item, lines), list };
  const { decision, at } = empty;
  const arms = armsOf(valueAt(read(text).value, decision), decision) ?? [];
  const arm = arms[at];
  if (!arm || arm.group) return { text: insertItem(text, list, index, item, lines), list };
  const place = 1 + arms.slice(0, at).filter(({ group }) => group).length;
  const name = freeName(text, `${String(decision[decision.length - 1])}-${arm.name}`);
  const group = { [name]: { do: [STAND_IN], then: arm.then } };
  const own = [...decision, "do", place, name, "do"];
  const led = setValue(text, list, name);
  const filled = insertItem(insertItem(led, [...decision, "do"], place, group), own, 0, item, lines);
  return { text: removeItem(filled, own, 1), list: own };
}

/** Without the groups of arms that have no steps any more. */
function tidied(text: string): string {
  const { value } = read(text);
  for (const task of tasksOf(blockOf(value))) {
    const at = task.blocks.findIndex(({ arm, tasks }) => arm?.group && tasks.length === 0);
    const arm = task.blocks[at]?.arm;
    const place = arm && casePath(value, task.path, at);
    if (!arm?.group || !place) continue;
    const led = setValue(text, [...place, "then"], arm.then);
    return tidied(removeItem(led, [...task.path, "do"], arm.group.index));
  }
  return text;
}

/** A further way of a decision, before the one for the rest. */
export function addArm(text: string, decision: Path): string {
  const { value } = read(text);
  const arms = armsOf(valueAt(value, decision), decision) ?? [];
  const place = casePath(value, decision, 0);
  if (!place) return text;
  const rest = arms.findIndex(({ when }) => when === undefined);
  const names = new Set(arms.map(({ name }) => name));
  let number = arms.length;
  while (names.has(`case${number}`)) number += 1;
  const item = { [`case${number}`]: { when: "${ true }", then: "exit" } };
  return insertItem(text, place.slice(0, -2), rest < 0 ? arms.length : rest, item);
}

/** A way of a decision goes, with the steps in it. */
export function removeArm(text: string, decision: Path, at: number): string {
  const { value } = read(text);
  const arm = armsOf(valueAt(value, decision), decision)?.[at];
  const place = casePath(value, decision, at);
  if (!arm || !place) return text;
  const done = removeItem(text, place.slice(0, -2), at);
  return arm.group ? removeItem(done, [...decision, "do"], arm.group.index) : done;
}

/** A way of a decision gets another name; no other way may have it. */
export function renameArm(text: string, decision: Path, at: number, name: string): string {
  const { value } = read(text);
  const arms = armsOf(valueAt(value, decision), decision) ?? [];
  const place = casePath(value, decision, at);
  const isTaken = arms.some((arm) => arm.name === name);
  return !place || !name || isTaken ? text : renameKey(text, place, name);
}

export function removeTasks(before: string, steps: readonly Path[]): Edited {
  const { text, paths } = unfolded(before, steps);
  const done = outer(paths)
    .toReversed() // from the end, so that the places of the others stay
    .reduce((now, path) => {
      const { list, index } = listOf(path);
      return removeItem(now, list, index);
    }, text);
  return { text: tidied(done), selected: [] };
}

/** A task with its comments goes to another place. */
export function moveTask(before: string, step: Path, to: Path, place: number): Edited {
  const target = unfoldedAt(before, to, place, [step]);
  const done = moved(target.text, target.paths[0] ?? step, target.list, target.index);
  return done.text === target.text ? { text: before, selected: [pointerOf(step)] } : done;
}

function moved(text: string, path: Path, list: Path, index: number): Edited {
  const from = listOf(path);
  const isSameList = pointerOf(from.list) === pointerOf(list);
  const isInside = pointerOf(list).startsWith(`${pointerOf(path)}/`);
  const isThere = isSameList && (index === from.index || index === from.index + 1);
  const lines = itemText(text, from.list, from.index);
  const item = valueAt(read(text).value, path.slice(0, -1));
  if (isInside || isThere || lines === undefined) return { text, selected: [pointerOf(path)] };
  const taken = removeItem(text, from.list, from.index);
  const target = shifted(list, from.list, from.index);
  const at = isSameList && index > from.index ? index - 1 : index;
  const done = tidied(put(taken, target, at, item, lines).text);
  const name = path[path.length - 1];
  const found = tasksOf(blockOf(read(done).value)).find((task) => task.name === name);
  return { text: done, selected: found ? [found.pointer] : [] };
}

/** A path after an item before it in the same list was taken out. */
function shifted(path: Path, list: Path, index: number): Path {
  const at = path[list.length];
  const isUnder =
    pointerOf(path.slice(0, list.length)) === pointerOf(list) && typeof at === "number" && at > index;
  return isUnder ? [...path.slice(0, list.length), at - 1, ...path.slice(list.length + 1)] : path;
}

/** A task's name, and what names it: `then` and `$steps`. */
export function renameTask(text: string, path: Path, name: string): Edited {
  const old = String(path[path.length - 1]);
  const isTaken = tasksOf(blockOf(read(text).value)).some((task) => task.name === name);
  if (!name || name === old || isTaken) return { text, selected: [pointerOf(path)] };
  const { list, index } = listOf(path);
  let done = renameKey(text, path, name);
  for (const [place, value] of textsOf(read(done).value, [])) {
    const isJump = place[place.length - 1] === "then" && isInList(place, list) && value === old;
    const next = isJump ? name : value.replaceAll(stepPattern(old), `$steps.${name}`);
    if (next !== value) done = setValue(done, place, next);
  }
  return { text: done, selected: [pointerOf([...list, index, name])] };
}

const escaped = (name: string) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
const stepPattern = (name: string) => new RegExp(String.raw`\$steps\.${escaped(name)}(?![\w-])`, "g");

/** Whether a `then` is of a task in that list, or of a case of a switch in it. */
function isInList(place: Path, list: Path): boolean {
  const rest = place.slice(list.length);
  const isUnder = pointerOf(place.slice(0, list.length)) === pointerOf(list);
  return isUnder && (rest.length === 3 || (rest.length === 6 && rest[2] === "switch"));
}

function textsOf(value: unknown, path: Path): [Path, string][] {
  if (typeof value === "string") return [[path, value]];
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => textsOf(item, [...path, index]));
  return isObject(value)
    ? Object.entries(value).flatMap(([name, inner]) => textsOf(inner, [...path, name]))
    : [];
}

/** Without those that are inside others, in the order of the document. */
function outer(paths: readonly Path[]): Path[] {
  const pointers = paths.map(pointerOf);
  const kept = paths.filter((_, at) => !pointers.some((one) => pointers[at]?.startsWith(`${one}/`)));
  return kept.toSorted(compared);
}

function compared(one: Path, other: Path): number {
  for (const [at, part] of one.entries()) {
    const against = other[at];
    if (against === undefined) return 1;
    if (part === against) continue;
    return typeof part === "number" && typeof against === "number"
      ? part - against
      : String(part).localeCompare(String(against));
  }
  return -1;
}

/** The tasks as the clipboard has them. */
export function copied(before: string, steps: readonly Path[]): string {
  const { text, paths } = unfolded(before, steps);
  return outer(paths)
    .map((path) => itemText(text, listOf(path).list, listOf(path).index) ?? "")
    .join("");
}

/** Tasks from the clipboard come into a list; undefined where the clipboard holds none. */
export function pasted(text: string, clipboard: string, list: Path, index: number): Edited | undefined {
  if (clipboard.length > CLIPBOARD_MOST) return undefined;
  const { value } = read(clipboard);
  const items: unknown[] = Array.isArray(value) ? value : [];
  const whole = { do: items };
  const isTasks = items.length > 0 && items.every((item) => isObject(item) && Object.keys(item).length === 1);
  const known = isTasks && blockOf(whole).tasks.every(({ kind }) => kind !== "unknown");
  if (!known) return undefined;
  const place = unfoldedAt(text, list, index);
  let done = place.text;
  let target = place.list;
  const selected: string[] = [];
  for (const [at, item] of (items as Record<string, unknown>[]).entries()) {
    const [name = ""] = Object.keys(item);
    const free = freeName(done, name);
    const lines = itemText(clipboard, [], at) ?? stringify([item]);
    const renamed = free === name ? lines : renameKey(lines, [0, name], free);
    const made = put(done, target, place.index + at, { [free]: item[name] }, renamed);
    [done, target] = [made.text, made.list];
    selected.push(pointerOf([...target, place.index + at, free]));
  }
  return { text: done, selected };
}
