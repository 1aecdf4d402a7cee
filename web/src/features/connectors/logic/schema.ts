import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

export type Json = Record<string, unknown>;
type Kind = Schemas["ConnectorKind"];

const SAYS_WHAT = ["type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"];

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A schema as a form can draw it: what says nothing of its values is left out, and an object without members takes
 * texts by name. `isWhole` tells whether nothing was left out.
 */
export function drawable(schema: unknown): { schema: Json; isWhole: boolean } {
  if (!isObject(schema) || !isObject(schema["properties"])) return { schema: {}, isWhole: false };
  const kept: [string, Json][] = [];
  let isWhole = true;
  for (const [name, member] of Object.entries(schema["properties"])) {
    const drawn = isObject(member) ? drawnMember(member) : undefined;
    if (drawn) kept.push([name, drawn]);
    else isWhole = false;
  }
  const required = Array.isArray(schema["required"]) ? (schema["required"] as string[]) : [];
  const names = kept.map(([name]) => name);
  return {
    schema: {
      ...schema,
      properties: Object.fromEntries(kept),
      required: required.filter((name) => names.includes(name)),
    },
    isWhole,
  };
}

function drawnMember(member: Json): Json | undefined {
  if (!SAYS_WHAT.some((name) => name in member)) return undefined;
  if (member["type"] === "array" && !isObject(member["items"])) return undefined;
  if (member["type"] === "object" && !("properties" in member) && !("additionalProperties" in member)) {
    return { ...member, additionalProperties: { type: "string" } };
  }
  return member;
}

/** The form of a new connector, or of a change of one whose name and kind stay. */
export function connectorSchema(kind: Kind, isNew: boolean): { schema: Json; uiSchema: Json } {
  const words = texts.connectors.form;
  const secrets = Object.entries(kind.secrets);
  const secretFields = secrets.map(([name, says]): [string, Json] => [
    name,
    { type: "string", title: name, description: isNew ? says : words.secretKept(says) },
  ]);
  const properties = {
    ...(isNew && {
      name: {
        type: "string",
        title: texts.connectors.name,
        description: words.nameHint,
        pattern: "^[a-z0-9][a-z0-9_-]{0,62}$",
      },
    }),
    config: { ...drawable(kind.config).schema, title: words.settings },
    ...(secrets.length > 0 && {
      secrets: {
        type: "object",
        title: words.secrets,
        description: words.secretsHint,
        properties: Object.fromEntries(secretFields),
        ...(isNew && { required: kind.required_secrets }),
      },
    }),
  };
  const hidden = { "ui:widget": "password", "ui:autocomplete": "new-password" };
  return {
    schema: { type: "object", properties, required: isNew ? ["name", "config"] : ["config"] },
    uiSchema: {
      name: { "ui:autofocus": true, "ui:autocomplete": "off" },
      secrets: Object.fromEntries(secrets.map(([name]) => [name, hidden])),
    },
  };
}

const LONG = 2049;

/** Long texts get a field of several lines. */
export function longTexts(schema: Json): Json {
  const members = isObject(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  const long = members.filter(
    ([, member]) =>
      isObject(member) && member["type"] === "string" && Number(member["maxLength"] ?? 0) >= LONG,
  );
  return Object.fromEntries(
    long.map(([name]) => [name, { "ui:widget": "textarea", "ui:options": { rows: 3 } }]),
  );
}

/** What a form gave, without what was left empty. */
export function given(value: unknown): Json {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined && member !== "" && member !== null)
      .map(([name, member]) => [name, isObject(member) ? given(member) : member]),
  );
}
