import { expect, it } from "vitest";

import { EMPTY, MOST_ROWS, withEvents, withLoss, withPage, withReturn } from "./logic/event-log";
import { covers, isPattern } from "./logic/pattern";

const event = (id: string) => ({ id, topic: "task.finished", source: "tasks", at: 1, data: null });
const orders = (log: typeof EMPTY) => log.rows.map(({ order }) => order);

it("covers topics as the host does", () => {
  expect(covers("**", "plugin.added")).toBe(true);
  expect(covers("plugin.*", "plugin.added")).toBe(true);
  expect(covers("plugin.*", "plugin.call.failed")).toBe(false);
  expect(covers("plugin.**", "plugin.call.failed")).toBe(true);
  expect(covers("plugin.**", "plugin")).toBe(false);
  expect(covers("*.failed", "task.failed")).toBe(true);
});

it("knows what is no pattern", () => {
  expect(["**", "a", "a.*", "*.b", "a.b.**"].filter(isPattern)).toHaveLength(5);
  expect(["", "a..b", "**.a", "a b", "a.**.b", "ä", "a".repeat(257)].filter(isPattern)).toEqual([]);
});

it("keeps events newest first, each once, wherever they come from", () => {
  const log = withPage(withEvents(EMPTY, [event("e3"), event("e4")]), [event("e3"), event("e2")], "e2");
  expect(orders(log)).toEqual(["e4", "e3", "e2"]);
  expect(log.next).toBe("e2");
});

it("is bounded: the oldest make room, and are where older ones begin again", () => {
  const many = Array.from({ length: MOST_ROWS + 5 }, (_, number) =>
    event(`e${String(number).padStart(6, "0")}`),
  );
  const log = withEvents(EMPTY, many);
  expect(log.rows).toHaveLength(MOST_ROWS);
  expect(log.next).toBe("e000005");
  expect(log.isCut).toBe(true);
});

it("tells a time without a connection where it was, with what was read of it afterwards", () => {
  const lost = withLoss(withEvents(EMPTY, [event("e1")]), 100);
  expect(orders(withLoss(lost, 101))).toEqual(["e1~", "e1"]);
  const back = withReturn(lost, 105, [event("e3"), event("e2"), event("e1")], false);
  expect(orders(back)).toEqual(["e3", "e2", "e1~", "e1"]);
  expect(back.rows[2]).toMatchObject({ gap: { from: 100, to: 105, isLost: false } });
  const much = withReturn(lost, 105, [event("e9"), event("e8")], false);
  expect(much.rows[2]).toMatchObject({ gap: { isLost: true } });
});
