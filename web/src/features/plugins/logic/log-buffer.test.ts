import { describe, expect, it } from "vitest";

import { asFrame, LogBuffer, MOST_LINES } from "./log-buffer";

const frame = (at: number, message: string, dropped = 0) => ({
  plugin: "p",
  at,
  level: "info",
  message,
  dropped,
});

describe("a log in the browser", () => {
  it("keeps the last lines and counts the others", () => {
    const buffer = new LogBuffer();
    buffer.add(Array.from({ length: MOST_LINES + 5 }, (_, at) => frame(at, "x", at === 9 ? 4 : 0)));
    expect([buffer.lines.length, buffer.forgotten, buffer.dropped]).toEqual([MOST_LINES, 5, 4]);
  });

  it("shows a line once though the host sends its last lines again", () => {
    const buffer = new LogBuffer();
    buffer.add([frame(1, "a"), frame(2, "b")]);
    buffer.reconnected();
    buffer.add([frame(1, "a"), frame(2, "b"), frame(2, "c"), frame(3, "d"), frame(3, "d")]);
    expect(buffer.lines.map((line) => line.message)).toEqual(["a", "b", "c", "d", "d"]);
  });

  it("does not bring back what was cleared", () => {
    const buffer = new LogBuffer();
    buffer.add([frame(1, "a")]);
    buffer.clear();
    buffer.reconnected();
    buffer.add([frame(1, "a"), frame(2, "b")]);
    expect(buffer.lines.map((line) => line.message)).toEqual(["b"]);
  });

  it("takes nothing for a line that is none", () => {
    expect(asFrame({ at: 1, level: "info" })).toBeUndefined();
    expect(asFrame(null)).toBeUndefined();
    expect(asFrame({ at: 1, level: "info", message: "m" })?.dropped).toBe(0);
  });
});
