import { describe, expect, it } from "vitest";

import { InterpretingValidator } from "./validator";

const validator = new InterpretingValidator<unknown, object>();

describe("the validator of forms", () => {
  it("names the field that is missing", () => {
    const { errors } = validator.validateFormData(
      {},
      { type: "object", required: ["name"], properties: { name: { type: "string" } } },
    );
    expect(errors.map((error) => error.property)).toEqual([".name"]);
  });

  it("names a field deep inside, once", () => {
    const schema = {
      type: "object",
      properties: { list: { type: "array", items: { type: "integer", minimum: 3 } } },
    } as const;
    const { errors } = validator.validateFormData({ list: [5, 1] }, schema);
    expect(errors.map((error) => error.property)).toEqual([".list.1"]);
  });

  it("takes what a form left undefined as not there", () => {
    const schema = { type: "object", properties: { name: { type: "string" } } } as const;
    expect(validator.validateFormData({ name: undefined }, schema).errors).toEqual([]);
  });

  it("follows references into the whole schema", () => {
    const root = { $defs: { small: { type: "integer", maximum: 9 } } } as const;
    expect(validator.isValid({ $ref: "#/$defs/small" }, 3, root)).toBe(true);
    expect(validator.isValid({ $ref: "#/$defs/small" }, 30, root)).toBe(false);
  });

  it("reads a schema that is frozen, as those of the cache are", () => {
    const schema = Object.freeze({
      type: "object",
      properties: Object.freeze({ a: Object.freeze({ type: "integer" }) }),
    });
    expect(validator.validateFormData({ a: 1 }, schema as object).errors).toEqual([]);
  });

  it("tells of a schema that cannot be read instead of throwing", () => {
    expect(validator.validateFormData({ a: 1 }, { $ref: "#/$defs/none" }).errors).toHaveLength(1);
  });
});
