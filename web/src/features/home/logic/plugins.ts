import type { Schemas } from "@/shared/api/types";

type State = Schemas["Plugin"]["state"];

/** How many plugins there are in each state. */
export type Totals = Record<string, number>;

/** The worst first. */
const ORDER: readonly State[] = [
  "quarantined",
  "rejected",
  "needs-review",
  "needs-grant",
  "disabled",
  "enabled",
];

/** How many there are in each state, those that serve first. */
export function countsOf(totals: Totals): [State, number][] {
  return ORDER.map((state): [State, number] => [state, totals[state] ?? 0])
    .filter(([, count]) => count > 0)
    .reverse();
}

/** The states of those that somebody should look at, the worst first: neither serving nor switched off by somebody. */
export function attentionStates(totals: Totals): State[] {
  return ORDER.filter((state) => state !== "enabled" && state !== "disabled" && (totals[state] ?? 0) > 0);
}

/** How many somebody should look at. */
export function attentionOf(totals: Totals): number {
  return attentionStates(totals).reduce((sum, state) => sum + (totals[state] ?? 0), 0);
}
