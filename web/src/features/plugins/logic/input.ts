import type { Schemas } from "@/shared/api/types";

import { readHex } from "./binary";

type FunctionView = Omit<Schemas["Function"], "input" | "output"> & {
  input: Record<string, unknown> | null;
  output: Record<string, unknown> | null;
};

export type InputMode = "form" | "text" | "json" | "hex" | "file";

const JSON_MEDIA = "application/json";
const TEXT_MEDIA = "text/plain";

/** The ways to give an input, the best first. */
export function modesOf({ input, input_media: media }: FunctionView): InputMode[] {
  const raw: InputMode = media === JSON_MEDIA ? "json" : "text";
  const bytes: InputMode[] = media === JSON_MEDIA ? [] : media === TEXT_MEDIA ? ["file"] : ["hex", "file"];
  if (!input) return [raw, ...bytes];
  // Text that a schema only calls a text is easier written in a field of many lines.
  if (media === TEXT_MEDIA && !hasDetails(input)) return [raw, ...bytes];
  return ["form", raw, ...bytes];
}

/** What a form gave, as it is sent. */
export function written(value: unknown, { input, input_media: media }: FunctionView): string {
  if (media === TEXT_MEDIA && (typeof value === "string" || value === undefined)) return value ?? "";
  return JSON.stringify(value === undefined ? nothing(input) : value);
}

/** The bytes of what was typed; undefined when it is none. */
export function typedBytes(mode: InputMode, text: string): Uint8Array<ArrayBuffer> | undefined {
  return mode === "hex" ? readHex(text) : new TextEncoder().encode(text);
}

/** A field that nobody filled in leaves nothing behind, but the function takes something. */
function nothing(schema: FunctionView["input"]): unknown {
  const type = schema?.["type"];
  if (type === "object") return {};
  if (type === "array") return [];
  return type === "string" ? "" : null;
}

function hasDetails(schema: object): boolean {
  return "enum" in schema || "format" in schema || "oneOf" in schema || "anyOf" in schema;
}

/** An input as it is sent, and as one can begin with it again. */
export interface Given {
  mode: InputMode;
  body: Blob;
  /** What the field or the form held. */
  value: unknown;
  /** What was sent, as it can be read; undefined for a file. */
  text: string | undefined;
  fileName?: string;
}
