import type { Schemas } from "@/shared/api/types";

type Values = readonly (number | null)[];

/** The figures above the chart. */
export interface Figures {
  calls: number;
  errors: number;
  /** Of a hundred calls; 0 without calls. */
  errorShare: number;
  /** Of the last step in which something was called. */
  p95Ms: number | undefined;
  tasks: number;
}

export function figuresOf({ series }: Schemas["Series"]): Figures {
  const calls = sum(series.calls);
  const errors = sum(series.errors);
  return {
    calls,
    errors,
    errorShare: calls > 0 ? (errors / calls) * 100 : 0,
    p95Ms: series.call_ms_p95.findLast((value) => value !== null) ?? undefined,
    tasks: sum(series.tasks),
  };
}

function sum(values: Values): number {
  return Math.round(values.reduce<number>((total, value) => total + (value ?? 0), 0));
}

const SUBJECTS = [
  "workflow",
  "function",
  "plugin",
  "name",
  "connector",
  "webhook",
  "schedule",
  "lane",
  "part",
];

/** What an event is about, by the first of its data that names something. */
export function subjectOf(data: unknown): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const members = data as Record<string, unknown>;
  const found = SUBJECTS.map((name) => members[name]).find(
    (value) => typeof value === "string" && value !== "",
  );
  return found as string | undefined;
}
