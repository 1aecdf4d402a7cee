import { skipToken } from "@reduxjs/toolkit/query/react";
import { useMemo, useState } from "react";

import type { Schemas } from "@/shared/api/types";

import { useGetShownRunQuery } from "../api/get-shown-run";
import { useListOpenStepsQuery } from "../api/list-open-steps";
import { useListShownStepsQuery } from "../api/list-shown-steps";
import { type Overlay, overlayOf, wholePath } from "../model/overlay";

const ENDED = new Set(["completed", "faulted", "cancelled"]);
const POLL_MS = 2000; // events make it newer at once; this is for where no events come
const NONE: readonly Schemas["RunStep"][] = [];

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
  const isOver = run !== undefined && ENDED.has(run.status);
  const polling = { pollingInterval: id !== undefined && !isOver ? POLL_MS : 0 };
  useGetShownRunQuery(asked, polling);
  const listed = useListShownStepsQuery(asked, polling);
  const open = useListOpenStepsQuery(id !== undefined && !isOver ? id : skipToken, polling);
  const [replay, setReplay] = useState<{ id: string | undefined; until: number | undefined }>({
    id,
    until: undefined,
  });
  const trigger = run?.trigger;
  const rows = listed.currentData?.items ?? NONE;
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
    isWhole: listed.currentData?.isWhole ?? true,
    setUntil: (next) => setReplay({ id, until: next }),
    error: found.error ?? listed.error,
  };
}
