type Schema = Record<string, unknown>;

/** What holds schemas by names of the plugin's own choice. */
const NAMED = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);
/** What a plugin could keep a browser busy with. The host checks it in bounded time. */
const SLOW = new Set(["pattern", "patternProperties", "propertyNames"]);
const MOST_DEPTH = 60;

/** A plugin's schema without what a form must not try by itself, as a copy that may be written into. */
export function safeSchema(schema: Schema): Schema {
  return part(schema, 0) as Schema;
}

function part(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth > MOST_DEPTH) return Array.isArray(value) ? [] : {};
  if (Array.isArray(value)) return value.map((one) => part(one, depth + 1));
  const kept = Object.entries(value).filter(([name]) => !SLOW.has(name));
  return Object.fromEntries(
    kept.map(([name, inner]) => [name, NAMED.has(name) ? named(inner, depth + 1) : part(inner, depth + 1)]),
  );
}

function named(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, part(inner, depth + 1)]));
}
