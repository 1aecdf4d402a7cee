// `npm test`: the functions alone, in front of a host that only pretends. Needs Node 22.18 or later.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { host } from "omnicore/testing";
import { greet, shout } from "./plugin.ts";

beforeEach(() => host.reset());

test("greet uses the setting", () => {
  host.settings.greeting = "Good day";
  assert.deepEqual(greet({ name: "Ada" }), { greeting: "Good day, Ada!" });
});

test("a blank name is refused", () => {
  assert.throws(() => greet({ name: " " }), /blank/);
});

test("shout is loud", () => {
  assert.equal(shout("hello"), "HELLO");
});
