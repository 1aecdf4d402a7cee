import { createContext, use } from "react";

import type { Overlay } from "../model/overlay";
import type { Path } from "../model/path";
import type { TaskProblem } from "../model/problems";
import type { Task } from "../model/tasks";

export const DRAG_TYPE = "application/x-omnicore-step";

/** What the parts of a canvas ask of it. */
export interface CanvasActions {
  isReadOnly: boolean;
  selected: ReadonlySet<string>;
  /** The one that keys act from. */
  active: string | undefined;
  overlay: ReadonlyMap<string, Overlay>;
  problems: ReadonlyMap<string, TaskProblem>;
  trigger: string;
  isDragging: boolean;
  select: (pointer: string, isMore: boolean) => void;
  open: () => void;
  openTriggers: () => void;
  /** The text, where it is beside. */
  openText?: () => void;
  insertAt: (list: Path, index: number) => void;
  /** What was dragged is put there: an offer's id, or a task's pointer. */
  dropAt: (list: Path, index: number, dragged: string) => void;
  onDrag: (isDragging: boolean) => void;
}

const nothing = () => undefined;

/** For a canvas that is only looked at. */
export const STILL: CanvasActions = {
  isReadOnly: true,
  selected: new Set(),
  active: undefined,
  overlay: new Map(),
  problems: new Map(),
  trigger: "",
  isDragging: false,
  select: nothing,
  open: nothing,
  openTriggers: nothing,
  insertAt: nothing,
  dropAt: nothing,
  onDrag: nothing,
};

export const CanvasContext = createContext<CanvasActions>(STILL);
export const useCanvas = () => use(CanvasContext);

/** The type says it too, for what is dragged can be read only when it is dropped. */
export function startDrag(event: React.DragEvent, dragged: string): void {
  event.dataTransfer.setData(DRAG_TYPE, dragged);
  event.dataTransfer.effectAllowed = "copyMove";
}

export const taskDragged = (task: Task) => `task:${task.pointer}`;
