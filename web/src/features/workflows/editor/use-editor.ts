import { useCallback, useMemo, useReducer } from "react";

import { begun, changed, type History, redone, typed, undone } from "./model/history";
import type { Edited } from "./model/operations";
import { pathOf, valueAt } from "./model/path";
import { read, type SourceProblem } from "./model/source";
import { type Block, blockOf } from "./model/tasks";

interface State {
  history: History;
  selected: readonly string[];
  /** The newest value that could be read, and what is wrong with the text now. */
  value: unknown;
  problem: SourceProblem | undefined;
}

type Action =
  | { type: "type"; text: string; at: number }
  | { type: "edit"; make: (text: string) => Edited | undefined; at: number | undefined }
  | { type: "select"; selected: readonly string[] }
  | { type: "undo" | "redo" }
  | { type: "load"; text: string };

function follow(state: State, history: History, selected = state.selected): State {
  if (history === state.history && selected === state.selected) return state;
  const { value, problem } = history.text === state.history.text ? state : read(history.text);
  const good = problem ? state.value : value;
  const there = selected.filter((pointer) => valueAt(good, pathOf(good, pointer)) !== undefined);
  return { history, value: good, problem, selected: there };
}

function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "type":
      return follow(state, typed(state.history, action.text, action.at));
    case "edit": {
      if (state.problem) return state; // a text that cannot be read cannot be edited by its parts
      const done = action.make(state.history.text);
      if (!done) return state;
      const { history } = state;
      const next =
        action.at === undefined ? changed(history, done.text) : typed(history, done.text, action.at);
      return follow(state, next, done.selected);
    }
    case "select":
      return { ...state, selected: action.selected };
    case "undo":
      return follow(state, undone(state.history));
    case "redo":
      return follow(state, redone(state.history));
    case "load":
      return start(action.text);
  }
}

function start(text: string): State {
  const { value, problem } = read(text);
  return { history: begun(text), selected: [], value, problem };
}

export interface Editor {
  text: string;
  /** Of the newest text that could be read. */
  value: unknown;
  root: Block;
  problem: SourceProblem | undefined;
  selected: readonly string[];
  canUndo: boolean;
  canRedo: boolean;
  type: (text: string) => void;
  /** An edit of parts of the text; `isTyping` joins it to the one right before. */
  edit: (make: (text: string) => Edited | undefined, isTyping?: boolean) => void;
  select: (selected: readonly string[]) => void;
  undo: () => void;
  redo: () => void;
  load: (text: string) => void;
}

/** The text with its way back, what it says, and what is selected in it. A draft is a step behind the first text. */
export function useEditor(first: string, draft = first): Editor {
  const [state, dispatch] = useReducer(reduce, first, (text) => {
    const begins = start(text);
    return follow(begins, changed(begins.history, draft));
  });
  const { history, value, problem, selected } = state;
  const root = useMemo(() => blockOf(value), [value]);
  const type = useCallback((text: string) => dispatch({ type: "type", text, at: performance.now() }), []);
  const edit = useCallback<Editor["edit"]>((make, isTyping = false) => {
    dispatch({ type: "edit", make, at: isTyping ? performance.now() : undefined });
  }, []);
  const select = useCallback((next: readonly string[]) => dispatch({ type: "select", selected: next }), []);
  const undo = useCallback(() => dispatch({ type: "undo" }), []);
  const redo = useCallback(() => dispatch({ type: "redo" }), []);
  const load = useCallback((text: string) => dispatch({ type: "load", text }), []);
  return {
    ...{ text: history.text, value, root, problem, selected },
    ...{ canUndo: history.past.length > 0, canRedo: history.future.length > 0 },
    ...{ type, edit, select, undo, redo, load },
  };
}
