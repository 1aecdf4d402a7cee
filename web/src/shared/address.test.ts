import { expect, it } from "vitest";

import { withParts } from "./address";

it("changes what is named in an address and lets the rest be", () => {
  const query = new URLSearchParams("a=1&b=2");
  expect(withParts(query, { a: undefined, c: "3", d: "" }).toString()).toBe("b=2&c=3&d=");
  expect(query.toString()).toBe("a=1&b=2");
});
