/** One member of an object that a schema describes. */
export interface SchemaRow {
  name: string;
  type: string;
  isRequired: boolean;
  about: string;
}

const MOST = 100;
const MOST_TEXT = 200;

/** The members of what a schema describes, as one line each; none for what is no object. */
export function schemaRows(schema: Record<string, unknown>): SchemaRow[] {
  const properties = table(schema["properties"]);
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  return Object.entries(properties)
    .slice(0, MOST)
    .map(([name, value]) => {
      const member = table(value);
      const about = typeof member["description"] === "string" ? member["description"] : "";
      return { name, type: typeOf(member), isRequired: required.includes(name), about };
    });
}

/** `integer from 1 to 500, else 100`. */
export function typeOf(schema: Record<string, unknown>): string {
  const { type, enum: choices, const: only, minimum, maximum, maxLength, items } = schema;
  const words: string[] = [];
  if (only !== undefined) words.push(JSON.stringify(only));
  else if (Array.isArray(choices)) words.push(choices.map((one) => JSON.stringify(one)).join(" or "));
  else if (Array.isArray(type)) words.push(type.join(" or "));
  else words.push(typeof type === "string" ? type : "anything");
  if (type === "array" && items !== undefined) words.push(`of ${typeOf(table(items))}`);
  if (typeof minimum === "number") words.push(`from ${minimum}`);
  if (typeof maximum === "number") words.push(`to ${maximum}`);
  if (typeof maxLength === "number") words.push(`of at most ${maxLength} characters`);
  const line = short(words.join(" "));
  return schema["default"] === undefined ? line : `${line}, else ${short(JSON.stringify(schema["default"]))}`;
}

function short(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

function table(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
