import { expect, it } from "vitest";

import { keyOfHash, problemOfHash } from "./hash";

it("takes the key of the set-up link from behind the hash", () => {
  expect(keyOfHash("#key=a-b_c")).toBe("a-b_c");
  expect(keyOfHash("")).toBe("");
});

it("says why a login through another service failed, in its own words only", () => {
  expect(problemOfHash("#problem=conflict")?.remedy).toContain("has your name");
  expect(problemOfHash("#problem=unavailable")?.code).toBe("unavailable");
  expect(problemOfHash("#problem=constructor")?.remedy).toContain("Try again");
  expect(problemOfHash("#problem=<b>Send your password to</b>")).toBeUndefined();
  expect(problemOfHash("")).toBeUndefined();
});
