import { expect, it } from "vitest";

import type { Schemas } from "@/shared/api/types";

import { figuresOf, subjectOf } from "./logic/figures";
import { attentionOf, countsOf } from "./logic/plugins";

it("adds up the hour, whatever was not measured", () => {
  const series = {
    calls: [null, 3, 1],
    errors: [null, 1, 0],
    call_ms_p95: [null, 4, null],
    tasks: [2],
    http: [],
  };
  expect(figuresOf({ step_s: 10, start: 0, series })).toEqual({
    calls: 4,
    errors: 1,
    errorShare: 25,
    p95Ms: 4,
    tasks: 2,
  });
});

it("counts plugins by state and shows the worst of those that need a look first", () => {
  const plugins = [
    { name: "a", state: "enabled" },
    { name: "b", state: "needs-grant" },
    { name: "c", state: "quarantined" },
    { name: "d", state: "disabled" },
    { name: "e", state: "enabled" },
  ] as Schemas["Plugin"][];
  expect(countsOf(plugins)[0]).toEqual(["enabled", 2]);
  expect(attentionOf(plugins).map(({ name }) => name)).toEqual(["c", "b"]);
});

it("names what an event is about", () => {
  expect(subjectOf({ id: "x", plugin: "text" })).toBe("text");
  expect(subjectOf({ plugin: 3 })).toBeUndefined();
  expect(subjectOf(null)).toBeUndefined();
});
