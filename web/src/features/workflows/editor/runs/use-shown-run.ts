import { skipToken } from "@reduxjs/toolkit/query/react";
import { useMemo, useState } from "react";

import type { Schemas } from "@/shared/api/types";

import { useGetShownRunQuery } from "../api/get-shown-run";
import { useListOpenStepsQuery } from "../api/list-open-steps";
import { isOver } from "../../logic/runs";
import { useRunNews } from "../../use-run-news";
import { useRunSteps } from "../../use-run-steps";
import { type Overlay, overlayOf, wholePath } from "../model/overlay";

export interface ShownRun {
  run: Schemas["Run"] | undefined;
  steps: readonly Schemas["RunStep"][];
  isWhole: boolean;
  overlay: ReadonlyMap<string, Overlay>;
  /** How many rows are shown; replay moves it. */
  until: number;
  setUntil: (until: number | undefined) => void;
  error: unknown;
}

/** A run with what it did at each task, live until it ends. */
export function useShownRun(id: string | undefined): ShownRun {
  const asked = id ?? skipToken;
  const found = useGetShownRunQuery(asked);
  const run = found.currentData;
  const followed = run && !isOver(run) ? run.id : undefined;
  const { seq, pollingMs } = useRunNews(followed);
  useGetShownRunQuery(followed ?? skipToken, { pollingInterval: pollingMs });
  const { steps: rows, error, isCut } = useRunSteps(run?.id, Math.max(run?.steps ?? 0, seq));
  const open = useListOpenStepsQuery(followed ?? skipToken, { pollingInterval: pollingMs });
  const [replay, setReplay] = useState<{ id: string | undefined; until: number | undefined }>({
    id,
    until: undefined,
  });
  const trigger = run?.trigger;
  const steps = useMemo(
    () => rows.map((step) => ({ ...step, path: wholePath(step.path, trigger) })),
    [rows, trigger],
  );
  const at = replay.id === id ? replay.until : undefined;
  const until = Math.min(at ?? steps.length, steps.length);
  const places = open.currentData?.items;
  const waiting = useMemo(
    () => places?.map((one) => ({ ...one, place: wholePath(one.place, trigger) })),
    [places, trigger],
  );
  const overlay = useMemo(() => overlayOf(steps, waiting, until), [steps, waiting, until]);
  return {
    ...{ run, steps, overlay, until },
    isWhole: !isCut,
    setUntil: (next) => setReplay({ id, until: next }),
    error: found.error ?? error,
  };
}
