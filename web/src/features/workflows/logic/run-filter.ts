import type { Schemas } from "@/shared/api/types";

export type RunStatus = Schemas["Run"]["status"];

/** Which runs are listed. */
export interface RunFilter {
  workflow?: string;
  status?: RunStatus;
}

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
  const workflow = query.get("workflow")?.trim();
  return { ...(status && { status }), ...(workflow && { workflow }) };
}
