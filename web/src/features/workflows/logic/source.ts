import { parseDocument } from "yaml";

/** The text of a workflow under another name, with its comments. */
export function renamed(text: string, name: string): string {
  const document = parseDocument(text, { version: "1.2" });
  document.setIn(["document", "name"], name);
  return document.toString();
}
