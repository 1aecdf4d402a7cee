import { expect, it } from "vitest";

import { figuresOf, subjectOf } from "./logic/figures";
import { attentionOf, attentionStates, countsOf } from "./logic/plugins";

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
  const totals = { "needs-grant": 2, quarantined: 1, disabled: 1, enabled: 4996, rejected: 0 };
  expect(countsOf(totals)[0]).toEqual(["enabled", 4996]);
  expect(attentionStates(totals)).toEqual(["quarantined", "needs-grant"]);
  expect(attentionOf(totals)).toBe(3);
});

it("names what an event is about", () => {
  expect(subjectOf({ id: "x", plugin: "text" })).toBe("text");
  expect(subjectOf({ plugin: 3 })).toBeUndefined();
  expect(subjectOf(null)).toBeUndefined();
});
