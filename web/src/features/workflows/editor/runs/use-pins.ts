import { skipToken } from "@reduxjs/toolkit/query/react";
import { createContext, use, useMemo } from "react";

import { useKeepPinMutation } from "../api/keep-pin";
import { useListPinsQuery } from "../api/list-pins";
import { useRemovePinMutation } from "../api/remove-pin";
import { type Block, tasksOf } from "../model/tasks";

/** Outputs that stand for steps in test runs. */
export interface Pins {
  byStep: ReadonlyMap<string, unknown>;
  error: unknown;
  /** Undefined: nobody may, or the workflow is not saved yet. */
  pin: ((step: string, value: unknown) => void) | undefined;
  unpin: (step: string) => void;
}

const NONE: Pins = { byStep: new Map(), error: undefined, pin: undefined, unpin: () => undefined };

export const PinsContext = createContext<Pins>(NONE);
export const usePins = () => use(PinsContext);

/** The pins of a saved workflow. */
export function useWorkflowPins(workflow: string | undefined, mayPin: boolean): Pins {
  const asked = mayPin && workflow !== undefined ? workflow : undefined;
  const { data } = useListPinsQuery(asked ?? skipToken);
  const [keep, kept] = useKeepPinMutation();
  const [remove, removed] = useRemovePinMutation();
  return useMemo(() => {
    if (asked === undefined) return NONE;
    return {
      byStep: new Map((data?.items ?? []).map(({ step, value }) => [step, value])),
      error: kept.error ?? removed.error,
      pin: (step: string, value: unknown) => void keep({ workflow: asked, step, value }),
      unpin: (step: string) => void remove({ workflow: asked, step }),
    };
  }, [asked, data, kept.error, removed.error, keep, remove]);
}

const REACH_OUT = new Set(["call", "script", "emit", "run"]);

/** The pins as a trial takes them: outputs by name for steps before it, and by path instead of what reaches out. */
export function pinned(root: Block, { byStep }: Pins): { steps: object; answers: object } | undefined {
  if (byStep.size === 0) return undefined;
  const tasks = tasksOf(root).filter(({ name, kind }) => byStep.has(name) && REACH_OUT.has(kind));
  return {
    steps: Object.fromEntries(byStep),
    answers: Object.fromEntries(tasks.map(({ name, pointer }) => [pointer, byStep.get(name)])),
  };
}
