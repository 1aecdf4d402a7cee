import { armsOf } from "./arms";
import { isObject, memberOf, valueAt } from "./path";
import type { Kind } from "./tasks";

/** One way out of a switch. */
export interface Case {
  name: string;
  when: string | undefined;
  then: string;
}

export function casesOf(value: unknown): Case[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    const [name, inner] = isObject(item) ? (Object.entries(item)[0] ?? []) : [];
    if (name === undefined) return [];
    const when = memberOf(inner, "when");
    const then = memberOf(inner, "then");
    return [
      {
        name,
        when: when === undefined ? undefined : shown(when),
        then: typeof then === "string" ? then : "continue",
      },
    ];
  });
}

/** A value in one short line. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) as string | undefined);
  const line = (text ?? "").replaceAll(/\s+/g, " ").trim();
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

const ABOUT: Partial<Record<Kind, (value: Record<string, unknown>) => unknown>> = {
  call: (value) => {
    const ref = value["call"];
    if (ref !== "http") return ref;
    const endpoint = valueAt(value, ["with", "endpoint"]);
    const uri = isObject(endpoint) ? endpoint["uri"] : endpoint;
    return [valueAt(value, ["with", "method"]), uri].filter((part) => typeof part === "string").join(" ");
  },
  ask: (value) => valueAt(value, ["host", "approval", "title"]),
  decide: (value) => (armsOf(value, []) ?? []).map(({ name }) => name).join(", "),
  set: (value) => (isObject(value["set"]) ? Object.keys(value["set"]).join(", ") : value["set"]),
  switch: (value) =>
    casesOf(value["switch"])
      .map(({ name }) => name)
      .join(", "),
  for: (value) => valueAt(value, ["for", "in"]),
  raise: (value) => valueAt(value, ["raise", "error", "title"]) ?? valueAt(value, ["raise", "error"]),
  wait: (value) => valueAt(value, ["host", "until"]) ?? durationText(value["wait"]),
  emit: (value) => valueAt(value, ["emit", "event", "with", "type"]),
  listen: (value) => valueAt(value, ["listen", "to", "one", "with", "type"]),
  run: (value) => valueAt(value, ["run", "workflow", "name"]),
  script: (value) => valueAt(value, ["run", "script", "language"]),
};

export function aboutOf(value: Record<string, unknown>, kind: Kind): string {
  const about = ABOUT[kind]?.(value);
  return about === undefined || about === null ? "" : shown(about);
}

const UNITS: [string, string][] = [
  ["days", "d"],
  ["hours", "h"],
  ["minutes", "min"],
  ["seconds", "s"],
  ["milliseconds", "ms"],
];

export function durationText(value: unknown): string {
  if (!isObject(value)) return typeof value === "string" ? value : "";
  return UNITS.filter(([name]) => value[name] !== undefined)
    .map(([name, unit]) => `${shown(value[name])} ${unit}`)
    .join(" ");
}
