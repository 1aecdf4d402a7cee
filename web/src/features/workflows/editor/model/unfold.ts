import { insertItem, itemText, removeItem, renameKey, setValue } from "./edit";
import { freeName, namesIn, STAND_IN } from "./names";
import { type Path, pointerOf, valueAt } from "./path";
import { read } from "./source";
import { type Block, blockOf, listOf, placeOf, type Task, taskAt, tasksOf, whereOf } from "./tasks";

interface Slot {
  list: Path;
  index: number;
}

interface Unfolded {
  text: string;
  paths: readonly Path[];
}

/** A `switch` whose arms stand behind it in its own list. */
const isFlat = ({ kind, blocks }: Task) => kind === "switch" && blocks.some(({ arm }) => arm !== undefined);

/** Flat decisions that an edit of these steps touches become groups with arms; and where the steps are then. */
export function unfolded(text: string, steps: readonly Path[]): Unfolded {
  const { text: done, paths } = unfoldedAt(text, [], -1, steps);
  return { text: done, paths };
}

/** The same for an edit at a slot: both flows have the same blocks, so that each place has its twin. */
export function unfoldedAt(
  text: string,
  list: Path,
  index: number,
  steps: readonly Path[] = [],
): Unfolded & Slot {
  const root = blockOf(read(text).value);
  const slot = slotIn(root, list, index);
  const touched = touchedBy(root, slot, steps);
  if (touched.size === 0) return { text, list, index, paths: steps };
  const order = tasksOf(root).filter((task) => touched.has(task.pointer));
  const done = order.toReversed().reduce(unfold, text); // from the end, so that the places of the others stay
  const next = blockOf(read(done).value);
  const block = slot && blockOn(next, routeOf(root, slot.block));
  const paths = steps.map((path) => {
    const where = whereOf(root, pointerOf(path));
    return (where && blockOn(next, routeOf(root, where.block))?.tasks[where.at]?.path) ?? path;
  });
  return {
    text: done,
    paths,
    ...(block ? { list: block.path, index: placeOf(block, slot.at) } : { list, index }),
  };
}

/** The slot of a block that stands for a place in a list. */
function slotIn(root: Block, list: Path, index: number): { block: Block; at: number } | undefined {
  const pointer = pointerOf(list);
  const block = [root, ...tasksOf(root).flatMap(({ blocks }) => blocks)].find(
    (one) => one.pointer === pointer,
  );
  const at = block?.places ? block.places.indexOf(index) : index;
  return block && at >= 0 ? { block, at } : undefined;
}

function touchedBy(
  root: Block,
  slot: { block: Block; at: number } | undefined,
  steps: readonly Path[],
): Set<string> {
  const found = new Set<string>();
  const add = (task: Task | undefined) => task && isFlat(task) && found.add(task.pointer);
  const holder = (block: Block) => block.arm && add(taskAt(root, pointerOf(block.path.slice(0, -4))));
  if (slot) {
    holder(slot.block);
    add(slot.block.tasks[slot.at - 1]);
  }
  for (const path of steps) {
    const where = whereOf(root, pointerOf(path));
    if (!where) continue;
    holder(where.block);
    add(where.block.tasks[where.at]);
  }
  return found;
}

/** The way to a block: which task, which of its blocks, and so on. */
function routeOf(root: Block, wanted: Block): number[] | undefined {
  if (root.pointer === wanted.pointer) return [];
  for (const [at, { blocks }] of root.tasks.entries()) {
    for (const [nth, block] of blocks.entries()) {
      const rest = routeOf(block, wanted);
      if (rest) return [at, nth, ...rest];
    }
  }
  return undefined;
}

function blockOn(root: Block, route: readonly number[] | undefined): Block | undefined {
  if (!route) return undefined;
  const [at, nth, ...rest] = route;
  if (at === undefined || nth === undefined) return root;
  const block = root.tasks[at]?.blocks[nth];
  return block && blockOn(block, rest);
}

/** One flat decision becomes a group: first its `switch`, then a group for each arm with steps. */
function unfold(text: string, { path, name, value, blocks }: Task): string {
  const { list, index } = listOf(path);
  const items = valueAt(read(text).value, list) as Record<string, unknown>[];
  const count = blocks.reduce((sum, { tasks }) => sum + tasks.length, 0);
  const [behind = ""] = Object.keys(items[index + 1 + count] ?? {});
  const taken = namesIn(text);
  const named = (wanted: string) => {
    const free = freeName(text, wanted, taken);
    taken.add(free);
    return free;
  };
  // Who asks for its output means the choice itself; else the whole takes the name, by which others jump there.
  const isAsked = text.includes(`$steps.${name}`);
  const [outer, choice] = isAsked ? [named(`${name}-arms`), name] : [name, named(`${name}-cases`)];
  const linesOf = (at: number) => itemText(text, list, at) ?? "";
  let done = isAsked ? led(text, list, name, outer) : text;
  for (let at = index + count; at > index; at -= 1) done = removeItem(done, list, at);
  done = insertItem(done, list, index, { [outer]: { do: [STAND_IN] } });
  done = removeItem(done, list, index + 1);
  const group = [...list, index, outer, "do"];
  const head = renameKey(linesOf(index), [0, name], choice);
  done = removeItem(insertItem(done, group, 0, { [choice]: value }, head), group, 1);
  let place = 0;
  for (const [nth, { arm, tasks }] of blocks.entries()) {
    const then = [...group, 0, choice, "switch", nth, arm?.name ?? "", "then"];
    const last = tasks[tasks.length - 1];
    if (!last) {
      done = setValue(done, then, arm?.then);
      continue;
    }
    place += 1;
    const own = named(`${name}-${arm?.name ?? ""}`);
    const steps = [...group, place, own, "do"];
    done = setValue(done, then, own);
    done = insertItem(done, group, place, { [own]: { do: [STAND_IN], then: "exit" } });
    for (const [at, task] of tasks.entries()) {
      const lines = linesOf(listOf(task.path).index);
      done = insertItem(done, steps, at, { [task.name]: task.value }, lines);
    }
    done = removeItem(done, steps, tasks.length);
    if (last.then === behind || last.then === "exit") {
      done = setValue(done, [...steps, tasks.length - 1, last.name, "then"], undefined);
    }
  }
  return done;
}

/** What jumps to a task of a list jumps to another. */
function led(text: string, list: Path, from: string, to: string): string {
  const items = valueAt(read(text).value, list) as Record<string, Record<string, unknown>>[];
  let done = text;
  for (const [at, item] of items.entries()) {
    const [name = "", value] = Object.entries(item)[0] ?? [];
    if (value?.["then"] === from) done = setValue(done, [...list, at, name, "then"], to);
    const cases = Array.isArray(value?.["switch"]) ? (value["switch"] as Record<string, unknown>[]) : [];
    for (const [nth, one] of cases.entries()) {
      const [way = ""] = Object.keys(one);
      const then = [...list, at, name, "switch", nth, way, "then"];
      if (valueAt(read(done).value, then) === from) done = setValue(done, then, to);
    }
  }
  return done;
}
