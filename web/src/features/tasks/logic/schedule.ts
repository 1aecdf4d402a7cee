import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { momentIn } from "./moments";
import { duration } from "./timings";

type Schedule = Schemas["Schedule"];

/** When a schedule runs, short: its cron expression, its interval or its moment. */
export function whenOf({ kind, spec, timezone }: Pick<Schedule, "kind" | "spec" | "timezone">): string {
  if (kind === "cron") return spec;
  if (kind === "interval") return texts.tasks.schedules.every(duration(Number(spec)));
  const seconds = Number(spec);
  return texts.tasks.schedules.once(
    spec.trim() === "" || Number.isNaN(seconds) ? spec.replace("T", " ") : momentIn(seconds, timezone),
  );
}
