import { describe, expect, it } from "vitest";

import type { Schemas } from "@/shared/api/types";

import { bodyText } from "./body";
import { failuresOf, figuresOf, problemOfTest, stateOf } from "./connector";
import { connectorSchema, drawable, given, longTexts } from "./schema";
import { madeUpSecret } from "./secret";

const kind = {
  name: "http",
  description: "any web service",
  config: {
    type: "object",
    properties: {
      base_url: { type: "string" },
      headers: { type: "object" },
      body: {},
      parts: { type: "array" },
    },
    required: ["base_url", "body"],
  },
  secrets: { token: "for bearer" },
  required_secrets: ["token"],
  actions: [],
} as unknown as Schemas["ConnectorKind"];

describe("a schema for a form", () => {
  it("leaves out what says nothing of its values, and says that it did", () => {
    const { schema, isWhole } = drawable(kind.config);
    expect(schema).toMatchObject({
      properties: { base_url: { type: "string" }, headers: { additionalProperties: { type: "string" } } },
      required: ["base_url"],
    });
    expect(Object.keys(schema["properties"] as object)).toEqual(["base_url", "headers"]);
    expect(isWhole).toBe(false);
  });

  it("hides what is secret, and wants it only of a new connector", () => {
    const made = connectorSchema(kind, true);
    expect(made.uiSchema).toMatchObject({ secrets: { token: { "ui:widget": "password" } } });
    expect(made.schema).toMatchObject({ properties: { secrets: { required: ["token"] } } });
    const changed = connectorSchema(kind, false).schema as {
      properties: { name?: object; secrets: { required?: string[] } };
    };
    expect(changed.properties.name).toBeUndefined();
    expect(changed.properties.secrets.required).toBeUndefined();
  });

  it("gives long texts several lines", () => {
    const properties = {
      sql: { type: "string", maxLength: 65_536 },
      key: { type: "string", maxLength: 1024 },
    };
    expect(Object.keys(longTexts({ properties }))).toEqual(["sql"]);
  });

  it("gives only what was filled in", () => {
    const value = {
      name: "shop",
      config: { base_url: "x", probe: undefined },
      secrets: { token: "", user: null },
    };
    expect(given(value)).toEqual({ name: "shop", config: { base_url: "x" }, secrets: {} });
  });
});

describe("a connector", () => {
  const connector = { name: "shop", state: null } as unknown as Schemas["Connector"];
  const used = { ...connector, state: { breaker: "open", failures: { denied: 2, "no-answer": 1 } } };

  it("has a state also before it was used", () => {
    expect(stateOf(connector)).toEqual({ state: "unused", tone: "calm" });
    expect(stateOf(used as unknown as Schemas["Connector"])).toEqual({ state: "open", tone: "bad" });
  });

  it("counts failures of all kinds", () => {
    const figures = figuresOf(used as unknown as Schemas["Connector"]);
    expect(figures && failuresOf(figures)).toBe(3);
  });

  it("tells what a test found wrong", () => {
    const error = { code: "unavailable", message: "nobody answers", remedy: "start it" };
    const test = { ok: false, took_s: 0.1, error } as unknown as Schemas["ConnectorTest"];
    expect(problemOfTest(test)).toMatchObject({ fact: "nobody answers", remedy: "start it" });
    expect(problemOfTest({ ok: true, took_s: 0.1, error: null })).toBeUndefined();
  });
});

it("makes up secrets that the rules take", () => {
  expect(madeUpSecret("github")).toMatch(/^[0-9a-f]{48}$/);
  expect(madeUpSecret("telegram")).toMatch(/^[A-Za-z0-9_-]{8,256}$/);
  expect(madeUpSecret("standard")).toMatch(/^whsec_[A-Za-z0-9+/=]{32}$/);
  expect(madeUpSecret("github")).not.toBe(madeUpSecret("github"));
});

it("shows a body as one reads it", () => {
  expect(bodyText({ text: '{"a":1}', base64: null })).toBe('{\n  "a": 1\n}');
  expect(bodyText({ text: "a=1", base64: null })).toBe("a=1");
  expect(bodyText({ text: null, base64: "/wA=" })).toBe("/wA=");
});
