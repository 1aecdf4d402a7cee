import { locale } from "@/shared/language/language";

const STEPS = ["B", "KiB", "MiB", "GiB", "TiB"];
const NUMBER = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const FINE = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
const PERCENT = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const SIGNED = new Intl.NumberFormat(locale, { maximumFractionDigits: 1, signDisplay: "exceptZero" });
const LISTS = new Intl.ListFormat(locale, { type: "conjunction" });
const unit = (name: string) =>
  new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "long", maximumFractionDigits: 1 });
const UNITS = {
  byte: unit("byte"),
  year: unit("year"),
  day: unit("day"),
  hour: unit("hour"),
  minute: unit("minute"),
  second: unit("second"),
};
const SPANS: [Exclude<keyof typeof UNITS, "byte">, number][] = [
  ["year", 31_536_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** `64 KiB`, `1.5 MiB`, `1 byte`. */
export function bytes(count: number): string {
  let step = 0;
  let value = count;
  while (value >= 1024 && step < STEPS.length - 1) {
    value /= 1024;
    step += 1;
  }
  return step === 0 ? UNITS.byte.format(count) : `${NUMBER.format(value)} ${STEPS[step] ?? ""}`;
}

/** `1,234.5`. */
export function count(value: number): string {
  return NUMBER.format(value);
}

/** A time that something took: `0.21 ms`, `12 ms`, `1.5 s`, `2 min`. */
export function took(seconds: number): string {
  if (seconds < 1) return `${FINE.format(seconds * 1000)} ms`;
  return seconds < 60 ? `${FINE.format(seconds)} s` : `${NUMBER.format(seconds / 60)} min`;
}

/** A span of time as one says it: `10 minutes`, `24 hours`, `16.6 hours`, `5 years`. */
export function span(seconds: number): string {
  const [unit, size] = SPANS.find(([, one]) => seconds >= (one === 86_400 ? 2 * one : one)) ?? ["second", 1];
  return UNITS[unit].format(seconds / size);
}

/** `12.5%`, as the language writes it; `part` of 1. */
export function percent(part: number): string {
  return PERCENT.format(part);
}

/** `+1.5`, `-2`, `0`. */
export function signed(value: number): string {
  return SIGNED.format(value);
}

/** `a, b and c`. */
export function list(values: readonly string[]): string {
  return LISTS.format(values);
}
