import type { Schemas } from "@/shared/api/types";

type Plugin = Schemas["Plugin"];

/** The worst first. */
const ORDER: readonly Plugin["state"][] = [
  "quarantined",
  "rejected",
  "needs-review",
  "needs-grant",
  "disabled",
  "enabled",
];

function rank(state: Plugin["state"]): number {
  return ORDER.indexOf(state);
}

/** How many there are in each state, those that serve first. */
export function countsOf(plugins: readonly Plugin[]): [Plugin["state"], number][] {
  const counts = new Map<Plugin["state"], number>();
  for (const { state } of plugins) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].sort(([one], [other]) => rank(other) - rank(one));
}

/** Those that somebody should look at: neither serving nor switched off by somebody. */
export function attentionOf(plugins: readonly Plugin[]): Plugin[] {
  return plugins
    .filter(({ state }) => state !== "enabled" && state !== "disabled")
    .sort((one, other) => rank(one.state) - rank(other.state));
}
