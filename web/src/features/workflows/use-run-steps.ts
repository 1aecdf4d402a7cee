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
  /** Enough was read: there are more for who asks. */
  isCut: boolean;
}

interface Read {
  run: string | undefined;
  steps: readonly Step[];
}

/** So many rows are read by themselves. */
const ENOUGH = 2000;
const AGAIN_MS = 500;
const NONE: readonly Step[] = [];

/**
 * The rows of a run, in order. Rows never change, so that only those are read that came since: `count` is how many the
 * run has now.
 */
export function useRunSteps(run: string | undefined, count: number): RunSteps {
  const [read, add] = useReducer(joined, { run, steps: NONE });
  const [limit, setLimit] = useState({ run, most: ENOUGH });
  const [failed, setFailed] = useState<{ run: string | undefined; error: unknown }>();
  const [ask] = useLazyListRunStepsQuery();
  const steps = read.run === run ? read.steps : NONE;
  const error = failed?.run === run ? failed?.error : undefined;
  const most = limit.run === run ? limit.most : ENOUGH;
  const after = steps.at(-1)?.seq ?? 0;
  const [turn, again] = useReducer((before: number) => before + 1, 0);
  const isWanted = run !== undefined && after < count && steps.length < most && error === undefined;
  useEffect(() => {
    if (!isWanted) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    void ask({ run, after }).then((answer) => {
      if (isOver) return;
      if (answer.error) setFailed({ run, error: answer.error });
      else if (answer.data?.items.length) add({ run, steps: answer.data.items });
      else timer = setTimeout(again, AGAIN_MS); // counted already, and kept in a moment
    });
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isWanted, ask, run, after, turn]);
  const more = () => {
    setFailed(undefined);
    setLimit({ run, most: steps.length + ENOUGH });
  };
  const isAll = after >= count;
  return { steps, error, more, isAll, isCut: !isAll && steps.length >= most };
}

/** What was read with what came after it; of another run, that alone. */
function joined(before: Read, next: Read): Read {
  if (before.run !== next.run) return next;
  const last = before.steps.at(-1)?.seq ?? 0;
  return { run: before.run, steps: [...before.steps, ...next.steps.filter(({ seq }) => seq > last)] };
}
