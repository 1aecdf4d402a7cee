import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { bytes, count, list } from "@/shared/ui/units";

import type { Plugin } from "./review";

export type Grant = Schemas["Grant"];
export type Scope = Record<string, unknown>;

const words = texts.plugins.rights;
/** What every plugin has without a grant. */
const OPEN_TO_ALL = new Set(["log", "config"]);

/** A capability that a plugin asks for, and what of it it was given. */
export interface Permission {
  name: string;
  scope: Scope;
  reason: string;
  warnings: readonly string[];
  grant: Grant | undefined;
  standing: "always" | "granted" | "narrower" | "not-granted";
}

/** What a plugin asks for, in its order, each with its grant. `wider` names what its grants do not cover. */
export function permissionsOf(
  plugin: Pick<Plugin, "asked" | "granted">,
  wider: ReadonlySet<string>,
): Permission[] {
  return plugin.asked.map(({ name, scope, reason, warnings }) => {
    const grant = plugin.granted.find((one) => one.capability === name);
    return { name, scope, reason, warnings, grant, standing: standing(name, grant, wider) };
  });
}

function standing(
  name: string,
  grant: Grant | undefined,
  wider: ReadonlySet<string>,
): Permission["standing"] {
  if (OPEN_TO_ALL.has(name)) return "always";
  if (!grant) return "not-granted";
  return wider.has(name) ? "narrower" : "granted";
}

/** Grants of what is no longer asked for. */
export function leftOver({ asked, granted }: Pick<Plugin, "asked" | "granted">): Grant[] {
  return granted.filter((grant) => !asked.some(({ name }) => name === grant.capability));
}

/** In plain words what a plugin cannot do: what it does not ask for or was not granted, and what none can. */
export function cannot(permissions: readonly Permission[]): string[] {
  const has = new Set(permissions.filter((one) => one.standing !== "not-granted").map((one) => one.name));
  const shut = Object.entries(words.kinds).filter(([name]) => !has.has(name) && !OPEN_TO_ALL.has(name));
  return [...shut.map(([, kind]) => kind.cannot), ...words.cannotEver];
}

/** A field of a scope as one reads it. */
export function scopeValue(name: string, value: unknown): string {
  if (typeof value === "boolean") return value ? words.yes : words.no;
  if (typeof value === "number") return name.endsWith("_bytes") ? bytes(value) : count(value);
  if (Array.isArray(value))
    return value.length === 1 && value[0] === "*" ? words.any : list(value.map(String));
  return typeof value === "string" ? value : JSON.stringify(value);
}
