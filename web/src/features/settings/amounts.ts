import { bytes, span } from "@/shared/ui/units";

/** What a figure means, by the unit that its name ends with; undefined where that says no more than the figure. */
export function meaning(name: string, value: unknown): string | undefined {
  if (typeof value !== "number") return undefined;
  if (name.endsWith("_bytes") && value >= 1024) return bytes(value);
  if (name.endsWith("_kib") && value >= 1024) return bytes(value * 1024);
  if (name.endsWith("_s") && value >= 60) return span(value);
  return undefined;
}
