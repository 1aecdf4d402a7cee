import type { Schemas } from "@/shared/api/types";

export type TaskState = Schemas["Task"]["state"];

/** Which tasks are listed. */
export interface TaskFilter {
  state?: TaskState;
  owner?: string;
}

export const STATES: readonly TaskState[] = ["waiting", "running", "done", "failed", "cancelled"];

/** The filter that an address holds; what is no state there is left out. */
export function filterOf(query: URLSearchParams): TaskFilter {
  const state = STATES.find((one) => one === query.get("state"));
  const owner = query.get("owner")?.trim();
  return { ...(state && { state }), ...(owner && { owner }) };
}
