import type { Schemas } from "@/shared/api/types";

export type Mark = "running" | "waiting" | "completed" | "faulted" | "skipped" | "retried" | "cancelled";

/** What a run did at one task. */
export interface Overlay {
  mark: Mark;
  /** How often it came by: rounds of a loop, jumps back. */
  visits: number;
  /** How often it was tried again, of all visits. */
  retries: number;
  /** Seconds, of all tries that were recorded. */
  took: number;
  /** The latest row. */
  step: Schemas["RunStep"] | undefined;
}

const MARKS: Record<string, Mark> = {
  completed: "completed",
  faulted: "faulted",
  skipped: "skipped",
  retried: "retried",
  cancelled: "cancelled",
};

const UNSEEN = { visits: 0, retries: 0, took: 0, step: undefined };

/** Where a path of a run that began with a later step is in the whole text. */
export function wholePath(path: string, trigger: Readonly<Record<string, unknown>> | undefined): string {
  const from = trigger?.["from"];
  const [, before = "0"] = /^\/do\/(\d+)\//.exec(typeof from === "string" ? from : "") ?? [];
  return path.replace(/^\/do\/(\d+)(?=\/)/, (_, at: string) => `/do/${Number(at) + Number(before)}`);
}

/** The task's path in the document of a place in a run: without rounds and visits. */
function pathOfPlace(place: string): string {
  return place
    .replaceAll(/~\d+(?=\/|$)/g, "")
    .replaceAll(/\/for\/\d+\/do\//g, "/do/")
    .replaceAll(/\/foreach\/\d+\/do\//g, "/foreach/do/");
}

/** Of rows within a visit: the pause before another try is over, an event came. */
const NOTES = new Set(["fired", "received"]);

/** What a run did at each task, by the task's path; `until` is how many of its rows count. */
export function overlayOf(
  steps: readonly Schemas["RunStep"][],
  open: Schemas["RunOpen"]["items"] = [],
  until = steps.length,
): ReadonlyMap<string, Overlay> {
  const found = new Map<string, Overlay>();
  for (const step of steps.slice(0, until)) {
    const before = found.get(step.path);
    if (step.path && NOTES.has(step.status)) {
      found.set(step.path, { ...(before ?? UNSEEN), mark: "running" });
      continue;
    }
    const mark = MARKS[step.status];
    if (!mark || !step.path) continue;
    const isRetry = mark === "retried";
    // What failed is not hidden by what was called off because of it.
    const isAftermath = mark === "cancelled" && before?.mark === "faulted";
    found.set(step.path, {
      mark: isAftermath ? "faulted" : mark,
      visits: (before?.visits ?? 0) + (isRetry ? 0 : 1),
      retries: (before?.retries ?? 0) + (isRetry ? 1 : 0),
      took: (before?.took ?? 0) + Math.max(0, step.at - step.began_at),
      step: isAftermath ? before.step : step,
    });
  }
  if (until < steps.length) return found;
  for (const { place, kind } of open) {
    const path = pathOfPlace(place);
    const before = found.get(path) ?? UNSEEN;
    const isPatient = ["timer", "listen", "approval", "wait"].includes(kind);
    found.set(path, { ...before, mark: isPatient ? "waiting" : "running" });
  }
  return found;
}
