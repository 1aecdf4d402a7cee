import { describe, expect, it } from "vitest";

import { argumentsOf, knownAt } from "./arguments";
import { filtersOf, filtersText } from "./filters";
import { formFieldsOf, formSchemaOf } from "./form-fields";
import { sampleOf } from "./form-schema";
import { named, newWorkflow } from "./operations";
import { overlayOf, wholePath } from "./overlay";
import { read } from "./source";
import type { Offer } from "./templates";

const shop = { type: "a.paid", source: "https://example.com/shop", subject: "x" };
const same = { id: { from: "${ .data.id }", expect: "${ .id }" } };

describe("filters of events", () => {
  it.each([
    { one: { with: { type: "a" } } },
    { any: [{ with: shop, correlate: same }, { with: { type: "b" } }], until: "${ false }" },
    { all: [{ with: { type: "a" } }, { with: { type: "b" }, correlate: { id: { from: ".id" } } }] },
  ])("are read and written without a loss: %j", (value) => {
    const found = filtersOf(value);
    expect(found && filtersText(found)).toEqual(value);
  });
  it("are a list as soon as there are two", () => {
    const found = filtersOf({ with: { type: "a" } });
    const [first] = found?.filters ?? [];
    if (!found || !first) throw new Error("no filter");
    expect(filtersText({ ...found, filters: [first, first] })).toEqual({
      any: [{ with: { type: "a" } }, { with: { type: "a" } }],
    });
  });
  it.each([{ any: "${ .filters }" }, { one: { with: { type: 5 } } }, { one: { with: {}, more: 1 } }, []])(
    "are left to YAML where a form would lose something: %j",
    (value) => expect(filtersOf(value)).toBeUndefined(),
  );
});

describe("the form of an approval", () => {
  const schema = {
    type: "object",
    properties: {
      reason: { type: "string", title: "Why" },
      sum: { type: "number" },
      sure: { type: "boolean" },
      way: { type: "string", enum: ["post", "mail"] },
    },
    required: ["reason"],
  };
  it("is a list of fields and back", () => {
    const fields = formFieldsOf(schema);
    expect(fields?.map(({ kind }) => kind)).toEqual(["text", "number", "flag", "choice"]);
    expect(formSchemaOf(fields ?? [])).toEqual(schema);
    expect(formSchemaOf([])).toBeUndefined();
  });
  it.each([
    { type: "object", properties: { a: { type: "object" } } },
    { type: "object", properties: { a: { type: "string", minLength: 2 } } },
    { type: "object", additionalProperties: false },
    { type: "array" },
  ])("is left to YAML where a list would lose something: %j", (one) => {
    expect(formFieldsOf(one)).toBeUndefined();
  });
});

describe("what a new call is given", () => {
  const text = { type: "string" };
  const order = { type: "object", properties: { text, limit: { type: "integer" } }, required: ["text"] };
  const offer = { kind: "call", id: "text.slug", output: { type: "string" } } as Offer;
  const value = read(`do:
  - data: { set: { text: 1, other: 2 } }
  - slug: { call: text.slug }
  - each: { for: { each: line, in: . }, do: [] }
`).value;
  const given = (list: (string | number)[], index: number, input: unknown) =>
    argumentsOf(input, knownAt(value, list, index, [offer]));
  it("is a member of the data that has its name", () => {
    expect(given(["do"], 1, order)).toEqual({ text: "${ .text }" });
  });
  it("is the whole data where that is of its kind", () => {
    expect(given(["do"], 2, text)).toBe("${ . }");
    expect(given(["do"], 2, order)).toEqual({ text: "${ . }" });
    expect(given(["do", 2, "each", "do"], 0, text)).toBe("${ $line }");
  });
  it("is nothing where nothing is known", () => {
    expect(given(["do"], 0, text)).toBeUndefined();
    expect(given(["do"], 1, text)).toBeUndefined();
    expect(given(["do"], 2, { type: "number" })).toBeUndefined();
  });
});

describe("a test run", () => {
  it("begins with an input as the workflow declares it", () => {
    const schema = {
      properties: { name: { type: "string" }, most: { default: 5 }, kind: { enum: ["a", "b"] } },
    };
    expect(sampleOf(schema)).toEqual({ name: "", most: 5, kind: "a" });
  });
  it("from a later step is shown where its steps are", () => {
    expect(wholePath("/do/0/b/do/1/c", { from: "/do/2/b" })).toBe("/do/2/b/do/1/c");
    expect(wholePath("/do/0/b", {})).toBe("/do/0/b");
  });
  it("shows what failed, and not what was called off because of it", () => {
    const row = { path: "/do/0/a", at: 2, began_at: 1 };
    const rows = [
      { ...row, status: "faulted" },
      { ...row, status: "cancelled" },
    ] as unknown as Parameters<typeof overlayOf>[0];
    expect(overlayOf(rows).get("/do/0/a")).toMatchObject({ mark: "faulted", step: { status: "faulted" } });
  });
});

describe("a new workflow", () => {
  it("is kept under the name and the title that it is given", () => {
    const text = named(newWorkflow("my-workflow"), "orders", "All the orders");
    expect(read(text).value).toMatchObject({ document: { name: "orders", title: "All the orders" } });
    expect(named(text, "orders", "")).not.toContain("title");
  });
});
