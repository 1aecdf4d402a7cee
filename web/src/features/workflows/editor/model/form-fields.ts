import { isObject } from "./path";

export const FIELD_KINDS = ["text", "number", "flag", "choice"] as const;
export type FieldKind = (typeof FIELD_KINDS)[number];

/** A field of a form that a person fills in. */
export interface FormField {
  name: string;
  title: string;
  kind: FieldKind;
  choices: readonly string[];
  isNeeded: boolean;
}

const TYPES: Readonly<Record<string, FieldKind>> = { string: "text", number: "number", boolean: "flag" };
const KNOWN = ["type", "title", "enum"];

/** A form's fields; undefined where its schema says more than a list of fields can. */
export function formFieldsOf(schema: unknown): FormField[] | undefined {
  if (schema === undefined) return [];
  if (!isObject(schema) || (schema["type"] ?? "object") !== "object") return undefined;
  const { properties = {}, required = [] } = schema;
  if (!isObject(properties) || !Array.isArray(required)) return undefined;
  if (Object.keys(schema).some((name) => !["type", "properties", "required"].includes(name)))
    return undefined;
  const fields = Object.entries(properties).map(([name, one]) => fieldOf(name, one, required.includes(name)));
  return fields.every((one) => one !== undefined) ? fields : undefined;
}

function fieldOf(name: string, value: unknown, isNeeded: boolean): FormField | undefined {
  if (!isObject(value) || Object.keys(value).some((member) => !KNOWN.includes(member))) return undefined;
  const { type, title = "", enum: choices } = value;
  if (typeof title !== "string") return undefined;
  if (choices !== undefined) {
    const isPlain = Array.isArray(choices) && choices.every((one) => typeof one === "string");
    return isPlain && (type ?? "string") === "string"
      ? { name, title, kind: "choice", choices, isNeeded }
      : undefined;
  }
  const kind = TYPES[String(type)];
  return kind && { name, title, kind, choices: [], isNeeded };
}

/** The schema of a form; none without a field. */
export function formSchemaOf(fields: readonly FormField[]): unknown {
  if (fields.length === 0) return undefined;
  const typeOf = (kind: FieldKind) =>
    ({ text: "string", choice: "string", number: "number", flag: "boolean" })[kind];
  const needed = fields.filter(({ isNeeded }) => isNeeded).map(({ name }) => name);
  return {
    type: "object",
    properties: Object.fromEntries(
      fields.map(({ name, title, kind, choices }) => [
        name,
        { type: typeOf(kind), ...(title && { title }), ...(kind === "choice" && { enum: choices }) },
      ]),
    ),
    ...(needed.length > 0 && { required: needed }),
  };
}
