import { bytes, count, took } from "@/shared/ui/units";

/** A limit's value in its unit, which the end of its name tells; null has none. */
export function limitValue(name: string, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== "number") return JSON.stringify(value);
  if (name.endsWith("_bytes")) return bytes(value);
  return name.endsWith("_s") ? took(value) : count(value);
}
