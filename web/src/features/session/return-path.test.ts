import { expect, it } from "vitest";

import { returnPath } from "./return-path";

it("goes back to where one came from", () => {
  expect(returnPath("?next=%2Fplugins%2Fcounter%3Fq%3D1")).toBe("/plugins/counter?q=1");
});

it.each(["", "?next=", "?next=https://evil.example", "?next=//evil.example", "?next=/%5Cevil.example"])(
  "goes to the start page after %s",
  (search) => expect(returnPath(search)).toBe("/"),
);
