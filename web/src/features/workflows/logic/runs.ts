import type { Schemas } from "@/shared/api/types";
import type { Tone } from "@/shared/ui/state-tag";

type Run = Schemas["Run"];

/** How the state of a run is coloured. */
export const TONES: Record<string, Tone> = {
  running: "busy",
  waiting: "warn",
  suspended: "warn",
  completed: "good",
  faulted: "bad",
};

/** Whether it does nothing any more. */
export function isOver({ status }: Pick<Run, "status">): boolean {
  return status === "completed" || status === "faulted" || status === "cancelled";
}

/** Whether it ended before its end, so that it can go on. */
export function isStopped({ status }: Pick<Run, "status">): boolean {
  return status === "faulted" || status === "cancelled";
}

/** Whether it ran a part of the workflow, as a test. */
export function isPart({ trigger }: Pick<Run, "trigger">): boolean {
  return ["from", "to"].some((name) => Object.hasOwn(trigger, name));
}

/** How long it took, or has taken so far, in seconds; undefined when it has not begun. */
export function tookS(run: Run, now: number): number | undefined {
  if (run.started_at === null) return undefined;
  return Math.max(0, (run.ended_at ?? Math.max(now, run.started_at)) - run.started_at);
}

/** What a fault says: the fact, and behind the first semicolon what to do about it. */
export function faultParts(fault: Schemas["WorkflowFault"]): { fact: string; remedy: string } {
  const detail = fault.detail ?? "";
  const at = detail.indexOf("; ");
  if (at < 0) return { fact: begun(detail), remedy: "" };
  return { fact: begun(detail.slice(0, at)), remedy: begun(detail.slice(at + 2).trim()) };
}

/** The host's facts begin small, as parts of a line of a log. */
function begun(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Names are facts of a kind of trigger that are worth a word: the webhook's, the connector's. */
export function triggerName(trigger: Record<string, unknown>): string | undefined {
  const found = ["webhook", "connector", "event", "run", "type"].map((key) => trigger[key]);
  return found.find((value): value is string => typeof value === "string" && value !== "");
}

/** Somebody's name without the interface that was used: `ada` of `rest:ada`. */
export function personOf(by: string): string {
  return by.replace(/^(rest|cli|ws):/, "");
}

/** The ids of the runs that a run's steps began. */
export function childrenOf(steps: readonly Schemas["RunStep"][]): string[] {
  const ids = steps
    .filter(({ kind }) => kind === "run")
    .map(({ meta }) => (meta as Record<string, unknown>)["run"])
    .filter((id): id is string => typeof id === "string");
  return [...new Set(ids)];
}
