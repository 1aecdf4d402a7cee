import { describe, expect, it } from "vitest";

import { viewOf, viewOn } from "./view";

const PANE = { width: 600, height: 500 };
const isSeen = ({ x, y, zoom }: ReturnType<typeof viewOn>, area: Parameters<typeof viewOn>[2]) =>
  area.x * zoom + x >= 0 &&
  (area.x + area.width) * zoom + x <= PANE.width &&
  area.y * zoom + y >= 0 &&
  area.y * zoom + y <= PANE.height;

describe("the view of the flow", () => {
  it("stays where what is wanted is seen", () => {
    const before = { x: 20, y: 20, zoom: 1 };
    expect(viewOn(before, PANE, { x: 10, y: 10, width: 236, height: 54 })).toEqual(before);
    expect(viewOf(before, PANE, { width: 500, height: 5_000 })).toEqual(before);
  });
  it("goes to what was added beyond its edge", () => {
    const area = { x: 700, y: 900, width: 236, height: 54 };
    expect(isSeen(viewOn({ x: 20, y: 20, zoom: 1 }, PANE, area), area)).toBe(true);
  });
  it("gets smaller for what is broader than it", () => {
    const area = { x: 12, y: 90, width: 800, height: 240 };
    const view = viewOn({ x: 180, y: 20, zoom: 1 }, PANE, area);
    expect(view.zoom).toBeLessThan(1);
    expect(isSeen(view, area)).toBe(true);
  });
  it("has the whole breadth of a flow that grew, where that can be read", () => {
    const view = viewOf({ x: 180, y: 20, zoom: 1 }, PANE, { width: 640, height: 900 });
    expect(view.x).toBeGreaterThanOrEqual(0);
    expect(view.x + 640 * view.zoom).toBeLessThanOrEqual(PANE.width);
    expect(viewOf({ x: 180, y: 20, zoom: 1 }, PANE, { width: 3_000, height: 900 }).zoom).toBe(1);
  });
});
