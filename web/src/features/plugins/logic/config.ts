import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { safeSchema } from "./safe-schema";

type Config = Schemas["PluginConfig"];
type Values = Record<string, unknown>;

/** What has to be sent so that one setting goes back to where it came from: the others that are stored. */
export function without({ values, origins }: Config, forgotten: string): Values {
  const kept = Object.entries(values).filter(([name]) => origins[name] === "stored" && name !== forgotten);
  return Object.fromEntries(kept);
}

/** A form of what has a schema, and of what has none as it is. */
export function schemaOf({ schema, values }: Config): Record<string, unknown> {
  if (schema) return safeSchema({ type: "object", ...schema });
  return { type: "object", properties: Object.fromEntries(Object.keys(values).map((name) => [name, {}])) };
}

/** How the form shows each setting: where its value comes from below it, and secrets as dots. */
export function uiSchemaOf({ origins, secrets }: Config): Record<string, unknown> {
  const words = texts.plugins.care;
  const shown = Object.entries(origins).map(([name, origin]) => [
    name,
    {
      "ui:help": secrets.includes(name)
        ? `${words.origin[origin]}. ${words.secretHint}`
        : words.origin[origin],
    },
  ]);
  const ui = Object.fromEntries(shown) as Record<string, Record<string, unknown>>;
  for (const name of secrets) ui[name] = { ...ui[name], "ui:widget": "password" };
  return ui;
}
