import { expect, it } from "vitest";

import type { Schemas } from "@/shared/api/types";

import { cronOf, FIRST_PARTS } from "./logic/cron";
import { choicesOf, modesOf, valueOf } from "./logic/input";
import { momentIn } from "./logic/moments";
import { whenOf } from "./logic/schedule";
import { filterOf } from "./logic/task-filter";
import { duration, errorParts } from "./logic/timings";
import { firstWhen, specOf } from "./logic/when";
import { withTask } from "./logic/with-task";

type Task = Schemas["Task"];
const task = (id: string, state: Task["state"]) => ({ id, state }) as Task;

it("makes cron expressions of everyday words", () => {
  const parts = { ...FIRST_PARTS, time: "08:30", minute: 10, weekday: 0, day: 31 };
  const made = (["minutes", "hourly", "daily", "weekdays", "weekly", "monthly"] as const).map((repeat) =>
    cronOf({ ...parts, repeat }),
  );
  expect(made).toEqual([
    "*/10 * * * *",
    "10 * * * *",
    "30 8 * * *",
    "30 8 * * 1-5",
    "30 8 * * 0",
    "30 8 31 * *",
  ]);
});

it("says moments as the clocks of their time zone show them", () => {
  const at = Date.UTC(2026, 10, 23, 7, 30) / 1000;
  expect(momentIn(at, "Europe/Berlin")).toMatch(/^Monday,? 23 November 2026 at 08:30$/);
  expect(momentIn(at, "Not/AZone")).toMatch(/07:30 UTC$/);
});

it("gives the host what each kind of schedule takes", () => {
  const when = { ...firstWhen(), every: 2, unit: "h" as const, moment: "2030-01-31T08:00" };
  expect(specOf({ ...when, kind: "interval" })).toBe("7200");
  expect(specOf({ ...when, kind: "once" })).toBe("2030-01-31T08:00");
  expect(specOf(when)).toBe("0 8 * * *");
  expect(whenOf({ kind: "interval", spec: "7200", timezone: "UTC" })).toBe("Every 2 h");
});

it("reads filters from the address, and no state that there is none of", () => {
  expect(filterOf(new URLSearchParams("state=failed&owner=@host"))).toEqual({
    state: "failed",
    owner: "@host",
  });
  expect(filterOf(new URLSearchParams("state=lost&owner="))).toEqual({});
});

it("puts a changed task into the lists that want it, and takes it out of the others", () => {
  const pages = [{ items: [task("a", "failed"), task("b", "failed")], next: null }];
  const waiting = task("a", "waiting");
  expect(withTask(pages, waiting, {})[0]?.items.map(({ state }) => state)).toEqual(["waiting", "failed"]);
  expect(withTask(pages, waiting, { state: "failed" })[0]?.items.map(({ id }) => id)).toEqual(["b"]);
});

it("says durations and errors in parts", () => {
  expect([0.0123, 3.42, 59.99, 125, 3600, 90_000].map(duration)).toEqual([
    "12 ms",
    "3.4 s",
    "1 min",
    "2 min 5 s",
    "1 h",
    "1 d 1 h",
  ]);
  expect(errorParts("it has no grant; grant kv; then again")).toEqual({
    fact: "it has no grant",
    remedy: "grant kv; then again",
  });
  expect(errorParts("it broke").remedy).toBe("");
});

it("offers the functions that can be called, and the input that fits them", () => {
  const view = { input: { type: "object" } } as unknown as Schemas["Function"];
  const plugins = [
    { name: "b", state: "enabled", functions: { two: view, one: view } },
    { name: "a", state: "needs-grant", functions: { hidden: view } },
  ] as unknown as Schemas["Plugin"][];
  expect(choicesOf(plugins).map(({ ref }) => ref)).toEqual(["b.one", "b.two"]);
  expect(modesOf(view)).toEqual(["form", "json"]);
  expect(modesOf(undefined)).toEqual(["json"]);
  expect(valueOf("")).toEqual({ value: null });
  expect(valueOf('{"a": 1}')).toEqual({ value: { a: 1 } });
  expect(valueOf("{")).toHaveProperty("problem");
});
