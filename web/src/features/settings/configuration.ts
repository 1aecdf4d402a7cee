import { locale } from "@/shared/language/language";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

export type Setting = Schemas["Setting"];
export type Show = keyof typeof texts.settings.configuration.shows;

export interface Section {
  name: string;
  settings: Setting[];
}

export const SHOWS = ["all", "changed", "editable"] as const satisfies readonly Show[];

/** Smaller figures are read without help, and ports are among them. */
const GROUPED = 100_000;

/** The `show` of an address. */
export function showOf(text: string | null): Show {
  return SHOWS.find((show) => show === text) ?? "all";
}

/** The settings that fit, by section, in the order of the host. */
export function sectionsOf(items: readonly Setting[], search: string, show: Show): Section[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const sections = new Map<string, Setting[]>();
  for (const item of items) {
    if (!isShown(item, show) || !words.every((word) => textOf(item).includes(word))) continue;
    const before = sections.get(item.section);
    if (before) before.push(item);
    else sections.set(item.section, [item]);
  }
  return [...sections].map(([name, settings]) => ({ name, settings }));
}

function isShown(item: Setting, show: Show): boolean {
  if (show === "changed") return item.origin !== "default" || item.override || item.waiting;
  return show === "all" || item.editable;
}

function textOf(item: Setting): string {
  return `${item.name} ${item.doc} ${item.secret ? "" : written(item.value)} ${item.origin}`.toLowerCase();
}

/** A value as one reads it. */
export function written(value: unknown): string {
  const { on, off, isNotSet } = texts.settings.configuration;
  if (value === null || value === undefined || value === "") return isNotSet;
  if (typeof value === "boolean") return value ? on : off;
  if (typeof value === "number") return value >= GROUPED ? value.toLocaleString(locale) : String(value);
  if (typeof value === "string") return value;
  if (Array.isArray(value) && value.length === 0) return isNotSet;
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ");
  return JSON.stringify(value);
}

/** Where a value comes from, as one says it. */
export function originOf(origin: string): string {
  const { origins } = texts.settings.configuration;
  if (origin === "default") return origins.default;
  if (origin === "console") return origins.console;
  const [kind, ...rest] = origin.split(" ");
  if (kind === "override") return origins.start;
  return kind === "environment:" ? origins.environment(rest.join(" ")) : origin;
}

/** Of a secret only whether it is there. */
export function shownValue(item: Setting, value: unknown = item.value): string {
  const { isSet, isNotSet } = texts.settings.configuration;
  if (item.secret) return value === null || value === undefined || value === "" ? isNotSet : isSet;
  return written(value);
}
