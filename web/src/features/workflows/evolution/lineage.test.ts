import { describe, expect, it } from "vitest";

import { lineage } from "./lineage";

describe("the lineage of a candidate", () => {
  const all = [
    { number: 0, parent: -1 },
    { number: 1, parent: 0 },
    { number: 2, parent: 0 },
    { number: 3, parent: 1 },
  ];

  it("leads from the first one to it", () => {
    expect(lineage(all, 3).map(({ number }) => number)).toEqual([0, 1, 3]);
    expect(lineage(all, 0).map(({ number }) => number)).toEqual([0]);
  });

  it("ends where an ancestor is not known, and is empty for a stranger", () => {
    expect(lineage(all.slice(1), 3).map(({ number }) => number)).toEqual([1, 3]);
    expect(lineage(all, 9)).toEqual([]);
  });

  it("ends though parents go in a circle", () => {
    expect(lineage([{ number: 1, parent: 1 }], 1).length).toBeLessThan(3);
  });
});
