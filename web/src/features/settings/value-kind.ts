/** How a value is edited. */
export type ValueKind =
  | { kind: "flag" }
  | { kind: "choice"; choices: (string | number)[] }
  | { kind: "number"; isWhole: boolean; isOptional: boolean; least?: number; most?: number }
  | { kind: "text"; isOptional: boolean }
  | { kind: "texts" }
  | { kind: "json" };

interface Schema {
  type?: unknown;
  enum?: unknown;
  anyOf?: unknown;
  items?: unknown;
  minimum?: unknown;
  maximum?: unknown;
}

/** The editor that a JSON Schema asks for; what no editor fits is edited as JSON. */
export function kindOf(schema: Schema, isOptional = false): ValueKind {
  if (Array.isArray(schema.anyOf)) {
    const parts = schema.anyOf as Schema[];
    const [only, ...more] = parts.filter((part) => part.type !== "null");
    return only && more.length === 0 && parts.length === 2 ? kindOf(only, true) : { kind: "json" };
  }
  if (Array.isArray(schema.enum) && !isOptional) {
    const choices = schema.enum.filter((one) => typeof one === "string" || typeof one === "number");
    return choices.length === schema.enum.length ? { kind: "choice", choices } : { kind: "json" };
  }
  const type = schema.type;
  if (type === "boolean" && !isOptional) return { kind: "flag" };
  if (type === "integer" || type === "number") {
    const least = typeof schema.minimum === "number" ? { least: schema.minimum } : {};
    const most = typeof schema.maximum === "number" ? { most: schema.maximum } : {};
    return { kind: "number", isWhole: type === "integer", isOptional, ...least, ...most };
  }
  if (type === "string") return { kind: "text", isOptional };
  if (type === "array" && !isOptional && (schema.items as Schema | undefined)?.type === "string") {
    return { kind: "texts" };
  }
  return { kind: "json" };
}
