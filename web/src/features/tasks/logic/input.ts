import { locale } from "@/shared/language/language";
import type { Schemas } from "@/shared/api/types";

type View = Schemas["Function"];
export type InputMode = "form" | "text" | "json";

/** How an input can be given, what fits best first. */
export function modesOf(view: View | undefined): InputMode[] {
  const schema: Record<string, unknown> | null | undefined = view?.input;
  const type = schema?.["type"];
  if (type === "object") return ["form", "json"];
  if (type === "string") return ["text", "json"];
  if (view && !view.input) return ["text", "json"]; // bytes: a text, or {"base64": ...}
  return ["json"];
}

/** The value of a JSON text; nothing written is null. */
export function valueOf(text: string): { value: unknown } | { problem: string } {
  if (text.trim() === "") return { value: null };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

export interface FunctionChoice {
  /** `plugin.function`. */
  ref: string;
  plugin: string;
  name: string;
  view: View;
}

/** The functions that can be called now, by plugin and name. */
export function choicesOf(plugins: readonly Schemas["Plugin"][]): FunctionChoice[] {
  return plugins
    .filter(({ state }) => state === "enabled")
    .flatMap(({ name: plugin, functions }) =>
      Object.entries(functions).map(([name, view]) => ({ ref: `${plugin}.${name}`, plugin, name, view })),
    )
    .sort((one, other) => one.ref.localeCompare(other.ref, locale));
}
