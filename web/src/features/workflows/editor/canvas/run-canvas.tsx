import { lazy, Suspense, useMemo } from "react";

import type { Schemas } from "@/shared/api/types";
import { Loading } from "@/shared/ui/loading";

import { overlayOf } from "../model/overlay";
import { read } from "../model/source";
import { blockOf } from "../model/tasks";
import { triggerTexts } from "../model/triggers";
import { STILL } from "./canvas-context";

const Canvas = lazy(() => import("./canvas"));
const NONE: Schemas["RunOpen"]["items"] = [];

interface Props {
  /** The text of the version that ran. */
  text: string;
  run: Schemas["Run"] | undefined;
  steps: readonly Schemas["RunStep"][];
  open?: Schemas["RunOpen"]["items"];
  /** How many of the steps count, for a replay. */
  until?: number;
  selected?: string | undefined;
  onSelect?: (pointer: string) => void;
}

/** A run over its flow, to look at: give it a height. */
export function RunCanvas({ text, run, steps, open = NONE, until, selected, onSelect }: Props) {
  const value = useMemo(() => read(text).value, [text]);
  const root = useMemo(() => blockOf(value), [value]);
  const isOver = run === undefined || run.ended_at !== null;
  const overlay = useMemo(
    () => overlayOf(steps, isOver ? NONE : open, until ?? steps.length),
    [steps, open, isOver, until],
  );
  const actions = {
    ...STILL,
    overlay,
    trigger: triggerTexts(value).join(", "),
    selected: new Set(selected === undefined ? [] : [selected]),
    active: selected,
    select: (pointer: string) => onSelect?.(pointer),
  };
  return (
    <Suspense fallback={<Loading rows={4} />}>
      <Canvas root={root} actions={actions} />
    </Suspense>
  );
}
