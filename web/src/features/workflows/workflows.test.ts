import { expect, it } from "vitest";

import type { Schemas } from "@/shared/api/types";

import { inputNames, inputSchema, valueOf, webhooksOf } from "./logic/input";
import { isOfRun, seqOf } from "./logic/news";
import { filterOf } from "./logic/run-filter";
import { spanOf, tasksOf, treeOf } from "./logic/run-tree";
import { childrenOf, faultParts, isOver, tookS, triggerName } from "./logic/runs";
import { renamed } from "./logic/source";
import { tabOf } from "./tabs";

type Step = Schemas["RunStep"];
const step = (seq: number, place: string, more: Partial<Step> = {}): Step => ({
  ...{ seq, place, path: place, name: "", kind: "set", status: "completed" as const, attempt: 1 },
  ...{ at: seq, began_at: seq - 1, input: null, output: null, fault: null, meta: {} },
  ...more,
});
const NONE: ReadonlySet<string> = new Set();

it("reads the tasks that a place is in, with rounds of loops and visits", () => {
  expect(tasksOf("/do/1/each/for/3/do/0/send~2")).toEqual([
    { place: "/do/1/each", name: "each", round: undefined },
    { place: "/do/1/each/for/3/do/0/send~2", name: "send", round: { kind: "round", number: 4 } },
  ]);
  expect(tasksOf("/do/0/a~1b/fork/branches/1/left").map(({ name }) => name)).toEqual(["a/b", "left"]);
  expect(tasksOf("/do/0/x/catch/do/0/mend").map(({ name }) => name)).toEqual(["x", "mend"]);
  expect(tasksOf("")).toEqual([]);
});

it("makes a tree of a journal whose blocks end behind what is in them", () => {
  const steps = [
    step(1, "/do/0/each/for/0/do/0/say"),
    step(2, "/do/0/each/for/1/do/0/say"),
    step(3, "/do/0/each", { began_at: 0 }),
    step(4, "", { kind: "suspend" }),
  ];
  const rows = treeOf(steps, [], NONE);
  expect(rows.map(({ name, depth, round }) => [name, depth, round?.number])).toEqual([
    ["each", 0, undefined],
    ["say", 1, 1],
    ["say", 1, 2],
  ]);
  expect(treeOf(steps, [], new Set(["/do/0/each"])).map(({ isFolded }) => isFolded)).toEqual([true]);
});

it("shows what is open, what is tried again, and blocks that are not over", () => {
  const failed = step(1, "/do/0/ask", { status: "retried" });
  const open = (place: string, kind: string, due_at: number | null = null) => ({
    ...{ place, kind, name: "", attempt: 2, due_at },
  });
  const [ask] = treeOf([failed], [open("/do/0/ask", "timer", 9)], NONE);
  expect(ask).toMatchObject({ state: "retried", attempt: 2, dueAt: 9, endedAt: undefined });
  const rows = treeOf([], [open("/do/1/both/fork/branches/0/left", "call")], NONE);
  expect(rows.map(({ name, state }) => [name, state])).toEqual([
    ["both", "open"],
    ["left", "running"],
  ]);
  expect(treeOf([], [open("/do/0/ok", "approval")], NONE)[0]?.state).toBe("waiting");
});

it("folds a loop of many rounds until it is unfolded", () => {
  const many = Array.from({ length: 30 }, (_, round) => step(round + 1, `/do/0/each/for/${round}/do/0/a`));
  expect(treeOf(many, [], NONE)).toHaveLength(1);
  expect(treeOf(many, [], new Set(["/do/0/each"]))).toHaveLength(31);
});

it("puts a step on the time line of its run", () => {
  expect(spanOf({ beganAt: 15, endedAt: 20 }, 10, 30)).toEqual({ left: 25, width: 25 });
  expect(spanOf({ beganAt: 20, endedAt: undefined }, 10, 30)).toEqual({ left: 50, width: 50 });
  expect(spanOf({ beganAt: undefined, endedAt: undefined }, 10, 30)).toBeUndefined();
});

it("tells the fact of a fault from what to do about it", () => {
  const fault = { type: "x", status: 500, instance: "", detail: "it broke; mend it" };
  expect(faultParts(fault)).toEqual({ fact: "It broke", remedy: "Mend it" });
  expect(faultParts({ ...fault, detail: "it broke" })).toEqual({ fact: "It broke", remedy: "" });
});

it("knows when a run is over and how long it took", () => {
  const run = { status: "running", started_at: 10, ended_at: null } as Schemas["Run"];
  expect(isOver(run)).toBe(false);
  expect(tookS(run, 14)).toBe(4);
  expect(tookS({ ...run, ended_at: 12 }, 14)).toBe(2);
  expect(tookS({ ...run, started_at: null }, 14)).toBeUndefined();
  expect(triggerName({ kind: "webhook", webhook: "orders" })).toBe("orders");
  const meta = { run: "run_1" } as unknown as Step["meta"];
  expect(childrenOf([step(1, "/do/0/a", { kind: "run", meta }), step(2, "/do/1/b", { meta })])).toEqual([
    "run_1",
  ]);
});

it("reads what a document takes and what begins it", () => {
  const schema = { type: "object", properties: { a: {}, b: {} }, required: ["b"] };
  const document = { input: { schema: { document: schema } }, host: { triggers: [{ webhook: "in" }, 3] } };
  expect(inputSchema(document)).toEqual(schema);
  expect(inputSchema({ input: 3 })).toBeUndefined();
  expect(inputNames(schema)).toEqual(["b", "a"]);
  expect(webhooksOf(document)).toEqual(["in"]);
  expect(valueOf("")).toEqual({ value: null });
  expect(valueOf("{")).toHaveProperty("problem");
});

it("renames a text and lets its comments be", () => {
  const text = "document:\n  name: one # its name\ndo: []\n";
  expect(renamed(text, "two")).toBe("document:\n  name: two # its name\ndo: []\n");
});

it("hears of the rows and the states of one run only", () => {
  const frame = (data: unknown) => ({ id: "evt_1", topic: "workflow.step.completed", at: 1, data });
  expect(seqOf(frame({ run: "a", seq: 7 }), "a")).toBe(7);
  for (const odd of [{ run: "b", seq: 7 }, { run: "a", seq: "7" }, { run: "a", seq: 1e300 }, null, "a"])
    expect(seqOf(frame(odd), "a")).toBeUndefined();
  expect(seqOf(null, "a")).toBeUndefined();
  expect(isOfRun({ topic: "workflow.run.waiting", data: { run: "a" } }, "a")).toBe(true);
  expect(isOfRun({ topic: "workflow.run.waiting", data: { run: "b" } }, "a")).toBe(false);
  expect(isOfRun({ topic: "task.done", data: { run: "a" } }, "a")).toBe(false);
});

it("reads tabs and filters from the address", () => {
  expect([tabOf("/workflows"), tabOf("/runs"), tabOf("/approvals/")]).toEqual(["list", "runs", "approvals"]);
  expect(filterOf(new URLSearchParams("status=faulted&workflow=a"))).toEqual({
    status: "faulted",
    workflow: "a",
  });
  expect(filterOf(new URLSearchParams("status=odd"))).toEqual({});
});
