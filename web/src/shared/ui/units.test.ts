import { expect, it } from "vitest";

import { bytes, span, took } from "./units";

it("says spans of time as one says them", () => {
  expect([60, 600, 3600, 86_400, 59_760, 30 * 86_400, 31_536_000, 5 * 31_536_000].map(span)).toEqual([
    "1 minute",
    "10 minutes",
    "1 hour",
    "24 hours",
    "16.6 hours",
    "30 days",
    "1 year",
    "5 years",
  ]);
});

it("says sizes and what something took", () => {
  expect([1, 900, 1536].map(bytes)).toEqual(["1 byte", "900 bytes", "1.5 KiB"]);
  expect([0.000_213, 0.0121, 2.5, 120].map(took)).toEqual(["0.213 ms", "12.1 ms", "2.5 s", "2 min"]);
});
