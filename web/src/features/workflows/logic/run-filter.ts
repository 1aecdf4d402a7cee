import type { Schemas } from "@/shared/api/types";

export type RunStatus = Schemas["Run"]["status"];

/** Which runs are listed. */
export interface RunFilter {
  workflow?: string;
  status?: RunStatus;
  label?: string;
  owner?: string;
  /** A text in the input. */
  q?: string;
  /** Unix seconds. */
  since?: number;
}

/** Filters that are texts, in their order. */
export const TEXTS = ["q", "label", "owner"] as const;
const LONGEST = 200;

export const STATUSES: readonly RunStatus[] = [
  "running",
  "waiting",
  "faulted",
  "completed",
  "cancelled",
  "suspended",
  "pending",
];

/** The filter that an address holds; what is no state there is left out. */
export function filterOf(query: URLSearchParams): RunFilter {
  const status = STATUSES.find((one) => one === query.get("status"));
  const since = Number(query.get("since") ?? 0);
  const found: RunFilter = { ...(status && { status }), ...(since > 0 && { since }) };
  for (const name of ["workflow", ...TEXTS] as const) {
    const text = query.get(name)?.trim().slice(0, LONGEST);
    if (text) found[name] = text;
  }
  return found;
}
