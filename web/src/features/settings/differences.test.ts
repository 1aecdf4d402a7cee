import { describe, expect, it } from "vitest";

import { differences } from "./differences";

describe("the difference of two values", () => {
  it("names the members that changed, came and went, and no other", () => {
    const before = { role: "viewer", plugins: { text: "admin" }, name: "bob" };
    const after = { role: "admin", plugins: {}, name: "bob", disabled: true };
    expect(differences(before, after)).toEqual([
      { path: "role", before: "viewer", after: "admin" },
      { path: "plugins.text", before: "admin", after: undefined },
      { path: "disabled", before: undefined, after: true },
    ]);
  });

  it("takes all members of what was made or removed", () => {
    expect(differences(null, { name: "bob" })).toEqual([{ path: "name", before: undefined, after: "bob" }]);
    expect(differences({ name: "bob" }, null)).toEqual([{ path: "name", before: "bob", after: undefined }]);
  });

  it("compares lists and values of other kinds as a whole", () => {
    expect(differences({ scopes: ["a"] }, { scopes: ["a", "b"] })).toEqual([
      { path: "scopes", before: ["a"], after: ["a", "b"] },
    ]);
    expect(differences({ value: { a: 1 } }, { value: 3 })).toEqual([
      { path: "value", before: { a: 1 }, after: 3 },
    ]);
    expect(differences(1, 1)).toEqual([]);
  });

  it("tells a member that is called like what every object has", () => {
    expect(differences({}, JSON.parse('{"__proto__": 1, "constructor": 2}'))).toEqual([
      { path: "__proto__", before: undefined, after: 1 },
      { path: "constructor", before: undefined, after: 2 },
    ]);
  });
});
