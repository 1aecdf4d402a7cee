import type { LiveEvent } from "@/shared/live/live-provider";

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** The number of the row that a frame tells of, when it is of this run. */
export function seqOf(frame: unknown, run: string): number | undefined {
  const data = member(frame, "data");
  const seq = member(data, "seq");
  return member(data, "run") === run && typeof seq === "number" && Number.isSafeInteger(seq)
    ? seq
    : undefined;
}

/** Whether an event tells of this run, such as that it waits or is over. */
export function isOfRun({ topic, data }: Pick<LiveEvent, "topic" | "data">, run: string): boolean {
  return topic.startsWith("workflow.") && member(data, "run") === run;
}
