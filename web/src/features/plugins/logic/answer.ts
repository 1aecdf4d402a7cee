import type { Schemas } from "@/shared/api/types";

export type Cost = Schemas["CallCost"];

/** What a function gave back. */
export interface CallAnswer {
  media: string;
  /** A character for each byte. */
  body: string;
  /** Null when the host does not say. */
  cost: Cost | null;
}

const HEADER = "omnicore-cost";

/** What a call cost, from its answer's headers. */
export function readCost(headers: Headers | undefined): Cost | null {
  const text = headers?.get(HEADER);
  if (!text) return null;
  try {
    return asCost(JSON.parse(text));
  } catch {
    return null;
  }
}

/** A cost if it looks like one. */
export function asCost(value: unknown): Cost | null {
  if (typeof value !== "object" || value === null) return null;
  const cost = value as Partial<Cost>;
  const isCost = typeof cost.time_ms === "number" && typeof cost.host_calls === "object";
  return isCost ? (value as Cost) : null;
}
