import type { Block, Task } from "./tasks";

/** A line between two things on the canvas, inside one block. */
export interface Line {
  id: string;
  from: string;
  to: string;
  label: string;
  kind: "in" | "out" | "jump" | "order";
}

export const START = "start";

/** Where a task can be put: before the task with this index. */
const slotId = (block: Block, index: number) => `slot:${block.pointer}#${index}`;
const LANE = "lane:";
export const laneId = (block: Block) => `${LANE}${block.pointer}`;
export const isLane = (id: string) => id.startsWith(LANE);

const LEAVES = new Set(["exit", "end"]);

/** The slots and the lines of a block. What is not come to by going on is come to by a jump. */
export function linesOf(block: Block, isRoot = false): Line[] {
  if (block.role === "branches") return ordered(block);
  const lines: Line[] = [];
  const add = (from: string, to: string, kind: Line["kind"], label = "") =>
    lines.push({ id: `${from}>${to}>${label}`, from, to, kind, label });
  const byName = new Map(block.tasks.map((task) => [task.name, task.pointer]));
  const [first] = block.tasks;
  if (isRoot) add(START, slotId(block, 0), "out");
  if (first) add(slotId(block, 0), first.pointer, "in");
  for (const [at, task] of block.tasks.entries()) {
    const slot = slotId(block, at + 1);
    const next = block.tasks[at + 1]?.pointer;
    for (const { name, then } of task.cases) {
      const target = then === "continue" ? undefined : byName.get(then);
      if (target) add(task.pointer, target, "jump", name);
    }
    const isLast = at === block.tasks.length - 1;
    if (!goesOn(task) && isLast) add(task.pointer, slot, "order"); // so that a target of a jump can be put there
    if (!goesOn(task)) continue;
    add(task.pointer, slot, "out", task.cases.length > 0 ? passing(task) : "");
    const target = task.then === "continue" ? next : byName.get(task.then);
    if (target) add(slot, target, "in");
  }
  return lines;
}

/** Whether what stands behind it in the list can come next. */
export function goesOn(task: Task): boolean {
  if (task.kind === "raise") return false;
  if (task.kind !== "switch") return !LEAVES.has(task.then);
  const hasDefault = task.cases.some(({ when }) => when === undefined);
  return !hasDefault || task.cases.some(({ then }) => then === "continue");
}

function passing(task: Task): string {
  return task.cases
    .filter(({ then }) => then === "continue")
    .map(({ name }) => name)
    .join(", ");
}

/** Branches stand side by side, in their order. */
function ordered(block: Block): Line[] {
  const names = block.tasks.flatMap((task, at) => [slotId(block, at), task.pointer]);
  const all = [...names, slotId(block, block.tasks.length)];
  return all.slice(1).map((to, at) => {
    const from = all[at] ?? "";
    return { id: `${from}>${to}`, from, to, kind: "order", label: "" };
  });
}

/** The slots of a block with their places. */
export function slotsOf(block: Block): { id: string; index: number }[] {
  const shownAt = (index: number) =>
    block.role === "branches" ||
    index === 0 ||
    index === block.tasks.length ||
    goesOn(block.tasks[index - 1] as Task);
  return Array.from({ length: block.tasks.length + 1 }, (_, index) => ({
    id: slotId(block, index),
    index,
  })).filter(({ index }) => shownAt(index));
}
