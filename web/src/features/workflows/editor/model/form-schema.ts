import { isExpression } from "./data";
import { isObject } from "./path";

type Json = Record<string, unknown>;

/** What holds schemas by names of the plugin's own choice. */
const NAMED = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);
/** What a plugin could keep a browser busy with. The host checks it in bounded time. */
const SLOW = new Set(["pattern", "patternProperties", "propertyNames", "$schema", "$id", "default"]); // a default is the host's to fill in, and no edit
const SAYS_WHAT = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"];
const MOST_DEPTH = 40;

function safe(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MOST_DEPTH) return Array.isArray(value) ? [] : {};
  if (Array.isArray(value)) return value.map((one) => safe(one, depth + 1));
  const kept = Object.entries(value as Json).filter(([name]) => !SLOW.has(name));
  return Object.fromEntries(
    kept.map(([name, inner]) => [
      name,
      NAMED.has(name) && isObject(inner)
        ? Object.fromEntries(Object.entries(inner).map(([key, one]) => [key, safe(one, depth + 1)]))
        : safe(inner, depth + 1),
    ]),
  );
}

/** A function's input, by how each of its members is changed. */
export interface Parts {
  /** Drawn by a form. */
  schema: Json | undefined;
  /** Members that are expressions now. */
  expressions: readonly string[];
  /** Members that could be expressions. */
  others: readonly string[];
  /** What no form can draw: as YAML. */
  rest: readonly string[];
}

/** Splits a function's input schema and what is given for it; undefined where only YAML will do. */
export function partsOf(schema: unknown, given: unknown): Parts | undefined {
  if (!isObject(schema) || !isObject(schema["properties"])) return undefined;
  if (given !== undefined && !isObject(given)) return undefined;
  const values = given ?? {};
  const members = Object.entries(safe(schema["properties"]) as Json);
  const expressions = Object.keys(values).filter((name) => isExpression(values[name]));
  const drawn = members.filter(([name, member]) => isDrawable(member) && !expressions.includes(name));
  const names = drawn.map(([name]) => name);
  const required = Array.isArray(schema["required"]) ? (schema["required"] as unknown[]) : [];
  const { $defs, definitions } = safe({ $defs: schema["$defs"], definitions: schema["definitions"] }) as Json;
  return {
    schema:
      drawn.length > 0
        ? {
            type: "object",
            properties: Object.fromEntries(drawn),
            required: required.filter((name) => names.includes(String(name))),
            ...($defs !== undefined && { $defs }),
            ...(definitions !== undefined && { definitions }),
          }
        : undefined,
    expressions,
    others: members.map(([name]) => name).filter((name) => !expressions.includes(name)),
    rest: [
      ...members.filter(([, member]) => !isDrawable(member)).map(([name]) => name),
      ...Object.keys(values).filter((name) => !members.some(([known]) => known === name)),
    ].filter((name) => !expressions.includes(name)),
  };
}

function isDrawable(member: unknown): boolean {
  if (!isObject(member) || !SAYS_WHAT.some((name) => name in member)) return false;
  if (member["type"] === "array") return isObject(member["items"]) && isDrawable(member["items"]);
  return member["type"] !== "object" || "properties" in member || isObject(member["additionalProperties"]);
}

/** What a form gave, without what was left empty. */
export function filled(value: unknown): Json {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined && member !== "" && member !== null)
      .map(([name, member]) => [name, isObject(member) ? filled(member) : member]),
  );
}

const BLANK: Readonly<Record<string, unknown>> = {
  string: "",
  integer: 0,
  number: 0,
  boolean: false,
  array: [],
};

/** A value as a schema wants it, to be filled in. */
export function sampleOf(schema: unknown, depth = 0): unknown {
  if (!isObject(schema) || depth > MOST_DEPTH) return undefined;
  if ("default" in schema) return schema["default"];
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["examples"]) && schema["examples"].length > 0)
    return schema["examples"][0] as unknown;
  if (Array.isArray(schema["enum"])) return schema["enum"][0] as unknown;
  if (!isObject(schema["properties"])) return BLANK[String(schema["type"])];
  const members = Object.entries(schema["properties"]);
  return Object.fromEntries(members.map(([name, inner]) => [name, sampleOf(inner, depth + 1) ?? null]));
}
