import { locale } from "@/shared/language/language";

const CLOCK = { hour: "2-digit", minute: "2-digit" } as const;
const LONG = { weekday: "long", day: "numeric", month: "long", year: "numeric", ...CLOCK } as const;
const SHORT = { weekday: "short", day: "numeric", month: "short", year: "numeric", ...CLOCK } as const;

/** A moment in words, as clocks of that time zone show it: `Monday, 23 November 2026 at 08:30`. */
export function momentIn(at: number, timeZone: string, isShort = false): string {
  const date = new Date(at * 1000);
  if (Number.isNaN(date.getTime())) return String(at);
  const shape = {
    ...(isShort ? SHORT : LONG),
    ...(date.getUTCSeconds() !== 0 && { second: "2-digit" as const }),
  };
  try {
    return new Intl.DateTimeFormat(locale, { ...shape, timeZone }).format(date);
  } catch {
    // A zone that the host knows and this browser does not.
    return `${new Intl.DateTimeFormat(locale, { ...shape, timeZone: "UTC" }).format(date)} UTC`;
  }
}

/** The time zones that one may choose, the browser's own among them. */
export function timeZones(): string[] {
  return [...new Set(["UTC", ownZone(), ...Intl.supportedValuesOf("timeZone")])];
}

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
