import { texts } from "@/shared/texts";

import { shown } from "./about";
import type { Block, Task } from "./tasks";

const words = texts.workflowsEditor;

/** A block's name beside others: what it is for, or the way of a decision with its condition. */
export function nameOfBlock({ role, arm }: Block): string {
  if (!arm) return words.roles[role];
  return words.armOf(arm.name, arm.when === undefined ? words.otherwise : shown(arm.when));
}

/** Where a slot is, in words: in which block of which task, and behind which step. */
export function slotName(block: Block, index: number, holder: Task | undefined): string {
  const before = block.tasks[index - 1]?.name;
  const within = holder && words.within(block.arm?.name ?? words.roles[block.role], holder.name);
  return [before === undefined ? words.atBeginning : words.after(before), within].filter(Boolean).join(", ");
}
