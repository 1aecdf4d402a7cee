const STEPS = ["bytes", "KiB", "MiB", "GiB", "TiB"];
const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const FINE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const SPANS: [string, number][] = [
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
  return step === 0 && count === 1 ? "1 byte" : `${NUMBER.format(value)} ${STEPS[step] ?? ""}`;
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
  const text = NUMBER.format(seconds / size);
  return `${text} ${unit}${text === "1" ? "" : "s"}`;
}
