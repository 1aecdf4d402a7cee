import { useEffect, useReducer, useState } from "react";

import type { Schemas } from "@/shared/api/types";

import { useLazyListRunStepsQuery } from "./api/list-run-steps";

type Step = Schemas["RunStep"];

export interface RunSteps {
  steps: readonly Step[];
  error: unknown;
  /** Reads on, behind an error or where enough was read for a page. */
  more: () => void;
  isAll: boolean;
}

/** So many rows are read by themselves. */
const ENOUGH = 2000;
const AGAIN_MS = 500;

/**
 * The rows of a run, in order. Rows never change, so that only those are read that came since: `count` is how many the
 * run has now. Give the component another `key` for another run.
 */
export function useRunSteps(run: string, count: number): RunSteps {
  const [steps, add] = useReducer((before: readonly Step[], next: readonly Step[]) => {
    const last = before.at(-1)?.seq ?? 0;
    return [...before, ...next.filter(({ seq }) => seq > last)];
  }, []);
  const [most, setMost] = useState(ENOUGH);
  const [error, setError] = useState<unknown>();
  const [read] = useLazyListRunStepsQuery();
  const after = steps.at(-1)?.seq ?? 0;
  const [turn, again] = useReducer((before: number) => before + 1, 0);
  const isWanted = after < count && steps.length < most && error === undefined;
  useEffect(() => {
    if (!isWanted) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    void read({ run, after }).then((answer) => {
      if (isOver) return;
      if (answer.error) setError(answer.error);
      else if (answer.data?.items.length) add(answer.data.items);
      else timer = setTimeout(again, AGAIN_MS); // counted already, and kept in a moment
    });
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isWanted, read, run, after, turn]);
  const more = () => {
    setError(undefined);
    setMost(steps.length + ENOUGH);
  };
  return { steps, error, more, isAll: after >= count };
}
