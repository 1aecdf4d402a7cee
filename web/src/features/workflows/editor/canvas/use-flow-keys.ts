import type { RefObject } from "react";

import { texts } from "@/shared/texts";

import { copied, moveTask, pasted, removeTasks } from "../model/operations";
import { type Path, pathOf } from "../model/path";
import { placeOf, type Task, taskAt, tasksOf, whereOf } from "../model/tasks";
import type { Editor } from "../use-editor";

const words = texts.workflowsEditor;

interface Options {
  editor: Editor;
  pane: RefObject<HTMLElement | null>;
  isReadOnly: boolean;
  onOpen: () => void;
  onInsert: (list: Path, index: number) => void;
  onTold: (message: string) => void;
}

export interface FlowKeys {
  onKeyDown: (event: React.KeyboardEvent) => void;
  onCopy: (event: React.ClipboardEvent) => void;
  onCut: (event: React.ClipboardEvent) => void;
  onPaste: (event: React.ClipboardEvent) => void;
}

/** Everything that the mouse can do in the flow, by keys. */
export function useFlowKeys({ editor, pane, isReadOnly, onOpen, onInsert, onTold }: Options): FlowKeys {
  const { root, selected, value } = editor;
  const active = selected[selected.length - 1];
  const paths = selected.map((pointer) => pathOf(value, pointer));
  const place = () => placeBehind(editor, active);
  const go = (key: string, isMore: boolean) => {
    const next = nextOf(editor, active, key);
    if (!next) return;
    // What is far away is drawn once it is in view; meanwhile what has the focus may go.
    if (pane.current?.contains(document.activeElement)) pane.current.focus({ preventScroll: true });
    editor.select(isMore ? [...selected.filter((one) => one !== next), next] : [next]);
  };
  const move = (by: -1 | 1) => {
    const task = active === undefined ? undefined : taskAt(root, active);
    if (!task) return;
    const where = whereOf(root, task.pointer);
    const to = where && (by < 0 ? where.at - 1 : where.at + 2);
    if (!where || to === undefined || to < 0 || to > where.block.tasks.length) return;
    editor.edit((text) => moveTask(text, task.path, where.block.path, placeOf(where.block, to)));
    pane.current?.focus({ preventScroll: true }); // until the step is at its new place
  };
  const remove = () => {
    const before = nextOf(editor, selected[0], "ArrowUp");
    editor.edit((text) => ({ ...removeTasks(text, paths), selected: before === undefined ? [] : [before] }));
    pane.current?.focus({ preventScroll: true }); // what had it is gone
  };
  const copy = (event: React.ClipboardEvent): boolean => {
    if (paths.length === 0 || isTyping(event.target)) return false;
    event.preventDefault();
    event.clipboardData.setData("text/plain", copied(editor.text, paths));
    onTold(words.copiedSteps(paths.length));
    return true;
  };
  return {
    onCopy: (event) => void copy(event),
    onCut: (event) => {
      if (copy(event) && !isReadOnly) remove();
    },
    onPaste: (event) => {
      if (isReadOnly || isTyping(event.target)) return;
      event.preventDefault();
      const { list, index } = slotOf(event.target) ?? place();
      const clipboard = event.clipboardData.getData("text/plain");
      if (!pasted(editor.text, clipboard, list, index)) onTold(words.notPasted);
      else editor.edit((text) => pasted(text, clipboard, list, index));
    },
    onKeyDown: (event) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey) return;
      const isArrow = event.key.startsWith("Arrow");
      if (isArrow && event.altKey && !isReadOnly) move(["ArrowUp", "ArrowLeft"].includes(event.key) ? -1 : 1);
      else if (isArrow) go(event.key, event.shiftKey);
      else if (event.key === "Enter" && isStep(event.target)) onOpen();
      else if (["Delete", "Backspace"].includes(event.key) && !isReadOnly && paths.length > 0) remove();
      else if (event.key === "/" && !isReadOnly) {
        const { list, index } = slotOf(event.target) ?? place();
        onInsert(list, index);
      } else if (event.key === "Escape") editor.select([]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
}

/** Where something new comes: behind the active task, or at the end. */
export function placeBehind({ root }: Editor, active: string | undefined): { list: Path; index: number } {
  const { block, at } = (active !== undefined && whereOf(root, active)) || {
    block: root,
    at: root.tasks.length - 1,
  };
  return { list: block.path, index: placeOf(block, at + 1) };
}

/** Up and down go along the flow as one reads it; left goes out of a block and right into it. */
function nextOf({ root }: Editor, active: string | undefined, key: string): string | undefined {
  const all = tasksOf(root);
  const at = all.findIndex(({ pointer }) => pointer === active);
  const task: Task | undefined = all[at];
  if (!task) return (key === "ArrowUp" ? all[all.length - 1] : all[0])?.pointer;
  if (key === "ArrowDown") return all[at + 1]?.pointer;
  if (key === "ArrowUp") return all[at - 1]?.pointer;
  if (key === "ArrowRight") return task.blocks.flatMap(({ tasks }) => tasks)[0]?.pointer;
  return all.findLast(({ pointer }) => task.pointer.startsWith(`${pointer}/`))?.pointer;
}

function isTyping(target: EventTarget): boolean {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}

const isStep = (target: EventTarget) =>
  target instanceof HTMLElement && target.dataset["pointer"] !== undefined;

/** The place of a slot that has the focus. */
function slotOf(target: EventTarget): { list: Path; index: number } | undefined {
  const slot = target instanceof HTMLElement ? target.dataset["slot"] : undefined;
  if (slot === undefined) return undefined;
  const [list, index] = JSON.parse(slot) as [Path, number];
  return { list, index };
}
