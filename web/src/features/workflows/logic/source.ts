import { parseDocument } from "yaml";

const MOST_ALIASES = 50;

/** The text of a workflow under another name, with its comments. */
export function renamed(text: string, name: string): string {
  const document = parseDocument(text, { version: "1.2" });
  document.setIn(["document", "name"], name);
  return document.toString();
}

/** What a file holds in OmniFlow's node form; undefined when it is something else. */
export function nodesOf(text: string): unknown {
  const document = parseDocument(text, { version: "1.2", strict: true });
  if (document.errors.length > 0) return undefined; // the host says where
  try {
    const value = document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
    return isTable(value) && isTable(value["workflow"]) && "nodes" in value["workflow"] && !("do" in value)
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

/** The name that a text gives itself: `name`, or `namespace.name`. */
export function nameOf(text: string): string | undefined {
  const document = parseDocument(text, { version: "1.2" });
  const name: unknown = document.getIn(["document", "name"]);
  const namespace: unknown = document.getIn(["document", "namespace"]) ?? "default";
  if (typeof name !== "string" || typeof namespace !== "string") return undefined;
  return namespace === "default" ? name : `${namespace}.${name}`;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
