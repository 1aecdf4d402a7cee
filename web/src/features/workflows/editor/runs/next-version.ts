import type { Schemas } from "@/shared/api/types";

import { isPart, isStopped } from "../../logic/runs";

interface May {
  isDirty: boolean;
  maySave: boolean;
  mayRun: boolean;
}

/** The version in which a stopped run can go on: "unsaved" for what is edited, undefined where there is none. */
export function nextOf(
  run: Schemas["Run"] | undefined,
  base: Schemas["Workflow"] | undefined,
  { isDirty, maySave, mayRun }: May,
): number | "unsaved" | undefined {
  if (!run || !base || !isStopped(run) || isPart(run) || !(run.trial ? maySave : mayRun)) return undefined;
  if (isDirty) return maySave ? "unsaved" : undefined;
  return base.digest === run.digest ? undefined : base.number;
}
