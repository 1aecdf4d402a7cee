import { describe, expect, it } from "vitest";

import type { Schemas } from "@/shared/api/types";

import { dataAt, withPath } from "./data";
import { durationOf } from "./duration";
import { linesOf, slotsOf } from "./flow";
import { filled, partsOf } from "./form-schema";
import { overlayOf } from "./overlay";
import { linesByTask, problemsByTask, taskOnLine } from "./problems";
import { setField } from "./setting";
import { read } from "./source";
import { blockOf, countOf, loopNames, taskAt } from "./tasks";
import { matching, offerOf, offersOf } from "./templates";
import { triggerTexts } from "./triggers";

const TEXT = `do:
  - fetch: { call: http, with: { method: get, endpoint: x } }
  - choose:
      switch:
        - big: { when: "\${ .a > 1 }", then: last }
        - rest: { then: end }
  - middle: { set: { a: 1 }, then: end }
  - last:
      for: { each: order, in: "\${ .orders }" }
      do:
        - inner: { set: { b: "\${ $order }" } }
`;
const document = read(TEXT).value;
const root = blockOf(document);

function step(path: string, status: string, more: Partial<Schemas["RunStep"]> = {}): Schemas["RunStep"] {
  const plain = { seq: 1, place: path, name: "x", kind: "set", attempt: 1, at: 12, began_at: 10 };
  return {
    ...plain,
    path,
    input: null,
    output: null,
    fault: null,
    meta: {},
    status,
    ...more,
  } as Schemas["RunStep"];
}

describe("the flow", () => {
  it("goes from task to task, and from decisions to where they lead", () => {
    const jumps = linesOf(root).filter(({ kind }) => kind === "jump");
    expect(jumps.map(({ from, to, label }) => [from, to, label])).toEqual([
      ["/do/1/choose", "/do/3/last", "big"],
    ]);
  });
  it("has no place behind what never goes on", () => {
    expect(slotsOf(root).map(({ index }) => index)).toEqual([0, 1, 4]);
  });
});

describe("a run over the flow", () => {
  const rows = [
    step("/do/0/fetch", "retried"),
    step("/do/0/fetch", "completed", {
      attempt: 2,
      input: { q: 1 },
      output: { orders: [{ "first name": "Eve" }] },
    }),
    step("/do/3/last/do/0/inner", "completed"),
  ];
  it("counts tries, rounds and time", () => {
    expect(overlayOf(rows).get("/do/0/fetch")).toMatchObject({
      mark: "completed",
      visits: 1,
      retries: 1,
      took: 4,
    });
  });
  it("counts tries and visits apart, and no pause between tries as either", () => {
    const path = "/do/0/fetch";
    const pause = (attempt: number) =>
      step(path, "fired", { place: `${path}/retry`, kind: "timer", attempt });
    const tried = [
      step(path, "retried"),
      pause(2),
      step(path, "retried", { attempt: 2 }),
      pause(3),
      step(path, "faulted", { attempt: 3 }),
    ];
    expect(overlayOf(tried).get(path)).toMatchObject({ mark: "faulted", visits: 1, retries: 2, took: 6 });
    expect(overlayOf(tried, [], 2).get(path)).toMatchObject({ mark: "running", visits: 0, retries: 1 });
    const heard = [step(path, "received", { place: `${path}/event/0` }), step(path, "completed")];
    expect(overlayOf(heard).get(path)).toMatchObject({ mark: "completed", visits: 1, retries: 0 });
  });
  it("shows what is under way at the task, whichever round it is", () => {
    const open = [
      { place: "/do/3/last/for/7/do/0/inner~2", kind: "call", name: "inner", attempt: 1, due_at: null },
    ];
    expect(overlayOf(rows, open).get("/do/3/last/do/0/inner")?.mark).toBe("running");
    expect(overlayOf(rows, open, 1).get("/do/0/fetch")?.mark).toBe("retried");
  });
  it("gives the data that a later step can name", () => {
    const data = dataAt(root, taskAt(root, "/do/3/last/do/0/inner"), undefined, rows);
    const paths = data.tree.map(({ path }) => path);
    expect(paths).toContain("$order");
    expect(paths).toContain("$steps.fetch.output");
    expect(paths).not.toContain("$steps.inner.output");
    const fetch = data.tree.find(({ path }) => path === "$steps.fetch.output");
    expect(fetch?.children[0]?.children[0]?.children[0]?.path).toBe(
      '$steps.fetch.output.orders[0]["first name"]',
    );
    expect(data.variables["steps"]).toHaveProperty("fetch.output.orders");
  });
});

describe("fields", () => {
  it("writes paths where they belong", () => {
    expect(withPath("", ".a", 0)).toBe("${ .a }");
    expect(withPath("${ .b }", ".a", 3)).toBe("${ .a }");
    expect(withPath("${ .b +  }", ".a", 8)).toBe("${ .b + .a }");
  });
  it.each([
    ["30s", { seconds: 30 }],
    ["1 h 5 min", { hours: 1, minutes: 5 }],
    ["PT30S", "PT30S"],
    ["${ .a }", "${ .a }"],
    ["", ""],
    ["soon", undefined],
    ["P", undefined],
  ])("reads the duration %j", (text, value) => expect(durationOf(text)).toEqual(value));
  it("takes away what only held an empty field", () => {
    const done = setField(TEXT, ["do", 0, "fetch"], ["host", "retry", "delay"], { seconds: 1 });
    expect(read(setField(done, ["do", 0, "fetch"], ["host", "retry", "delay"], "")).value).toEqual(document);
  });
  it("splits what a function takes into form, expressions and YAML", () => {
    const schema = {
      properties: { a: { type: "string", pattern: "(x+)+" }, b: {}, c: { type: "integer", default: 1 } },
    };
    const parts = partsOf(schema, { c: "${ .n }", d: 1 });
    expect(parts).toMatchObject({ expressions: ["c"], others: ["a", "b"], rest: ["b", "d"] });
    expect(parts?.schema).toEqual({ type: "object", properties: { a: { type: "string" } }, required: [] });
    expect(filled({ a: "", b: { c: undefined, d: 0 } })).toEqual({ b: { d: 0 } });
  });
});

describe("a step inside of others", () => {
  const tasks = [
    {
      each: {
        for: { each: "order", in: "." },
        do: [{ deep: { for: { in: "." }, do: [{ leaf: { set: {} } }] } }],
      },
    },
  ];
  const nested = blockOf({ do: tasks });
  it("knows what the loops around it call their items", () => {
    expect(loopNames(nested, "/do/0/each/do/0/deep/do/0/leaf")).toEqual(["order", "item"]);
    expect(loopNames(nested, "/do/0/each")).toEqual([]);
  });
  it("counts", () => expect(countOf(nested)).toBe(3));
});

describe("what is wrong, and where", () => {
  const problem = { path: "/do/3/last/do/0/inner/set", line: 11, fact: "no", remedy: "", severity: "error" };
  it("is shown at the innermost task", () => {
    expect([...problemsByTask(root, [problem])]).toEqual([
      ["/do/3/last/do/0/inner", { told: "no", isError: true }],
    ]);
  });
  it("is a warning as long as nothing there is an error", () => {
    const warning = { ...problem, fact: "hm", severity: "warning" };
    const [[, only] = []] = problemsByTask(root, [warning]);
    expect(only).toEqual({ told: "hm", isError: false });
    const [[, both] = []] = problemsByTask(root, [problem, warning]);
    expect(both).toEqual({ told: "no; hm", isError: true });
  });
  it("knows the task of a line", () => {
    const lines = linesByTask(TEXT, root);
    expect(taskOnLine(lines, 5)).toBe("/do/1/choose");
    expect(taskOnLine(lines, 11)).toBe("/do/3/last/do/0/inner");
    expect(taskOnLine(lines, 1)).toBeUndefined();
  });
});

describe("what can be added", () => {
  const words = { kinds: { set: "Set data", wait: "Wait" }, kindAbout: {} };
  const call = { ref: "text.shout:1.0.0@default", title: "", description: "Loud", input: null, output: null };
  const plugins = [{ plugin: "text", title: "Text", state: "enabled", functions: [call] }];
  const offers = offersOf({ plugins, connectors: [], host: [] }, words);
  it("is found by its words", () => {
    expect(matching(offers, "text lou").map(({ title }) => title)).toEqual(["shout"]);
    expect(matching(offers, "wa")[0]?.id).toBe("wait");
  });
  it("is known by a call without its version", () => {
    expect(offerOf(offers, "text.shout")?.id).toBe(call.ref);
    expect(offerOf(offers, "text.shout@connectors")).toBeUndefined();
  });
  it("says in words what begins it", () => {
    const host = {
      triggers: [{ cron: "0 9 * * *", timezone: "UTC" }, { every: { minutes: 5 } }, { webhook: "in" }],
    };
    expect(triggerTexts({ host })).toEqual(["0 9 * * * UTC", "every 5 min", "webhook in"]);
  });
});
