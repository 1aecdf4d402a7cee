import { locale } from "@/shared/language/language";
import type { Schemas } from "@/shared/api/types";
import { took } from "@/shared/ui/units";

import { shortHash } from "./short-hash";

export type Progress = Schemas["RolloutProgress"];

type Guard = Schemas["GuardReading"];

/** A version by its name and the begin of its hash. */
export function versionName({ hash, version }: { hash: string; version: string }): string {
  return version ? `${version} (${shortHash(hash)})` : shortHash(hash);
}

/** True while it rests at its share until somebody resumes it. */
export function isPaused({ rollout }: Progress): boolean {
  return rollout.state === "running" && rollout.paused_at !== null && rollout.paused_at !== undefined;
}

/** A figure of a guard: per cent of errors, or a time. */
export function guardFigure(figure: Guard["figure"], value: number | null): string {
  if (value === null) return "–";
  if (figure === "p95") return took(value / 1000);
  return `${value.toLocaleString(locale, { maximumFractionDigits: 2 })} %`;
}
