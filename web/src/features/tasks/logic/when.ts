import type { Schemas } from "@/shared/api/types";

import { cronOf, FIRST_PARTS } from "./cron";
import { ownZone } from "./moments";

export const UNITS = ["s", "min", "h", "d"] as const;
type Unit = (typeof UNITS)[number];

const SECONDS: Record<Unit, number> = { s: 1, min: 60, h: 3600, d: 86_400 };

/** What the form holds for each kind, so that looking at another kind loses nothing. */
export interface When {
  kind: Schemas["Schedule"]["kind"];
  cron: string;
  every: number;
  unit: Unit;
  /** As `datetime-local` writes it. */
  moment: string;
  timezone: string;
}

export function firstWhen(): When {
  return { kind: "cron", cron: cronOf(FIRST_PARTS), every: 10, unit: "min", moment: "", timezone: ownZone() };
}

/** The `spec` that the host takes for the chosen kind. */
export function specOf(when: When): string {
  if (when.kind === "cron") return when.cron.trim();
  if (when.kind === "once") return when.moment;
  return String(when.every * SECONDS[when.unit]);
}
