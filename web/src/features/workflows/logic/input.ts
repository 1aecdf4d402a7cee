/** The schema of a workflow's input as its document has it inline. */
export function inputSchema(document: Record<string, unknown>): Record<string, unknown> | undefined {
  const schema = memberOf(memberOf(memberOf(document, "input"), "schema"), "document");
  return isTable(schema) ? schema : undefined;
}

/** The names that an input of that schema has, the needed ones first. */
export function inputNames(schema: Record<string, unknown>): string[] {
  const properties = schema["properties"];
  const required = Array.isArray(schema["required"]) ? (schema["required"] as unknown[]) : [];
  const names = isTable(properties) ? Object.keys(properties) : [];
  return names.toSorted((one, other) => Number(required.includes(other)) - Number(required.includes(one)));
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

/** The names of the webhooks that begin a workflow. */
export function webhooksOf(document: Record<string, unknown>): string[] {
  const triggers = memberOf(memberOf(document, "host"), "triggers");
  const names = Array.isArray(triggers) ? triggers.map((one) => memberOf(one, "webhook")) : [];
  return [...new Set(names.filter((name): name is string => typeof name === "string"))];
}

function memberOf(value: unknown, name: string): unknown {
  return isTable(value) ? value[name] : undefined;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
