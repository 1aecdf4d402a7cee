import { describe, expect, it } from "vitest";

import { armsOf } from "./arms";
import { addArm, addTask, moveTask, pasted, removeArm, removeTasks, renameArm } from "./operations";
import { pathOf, pointerOf, valueAt } from "./path";
import { read } from "./source";
import { blockOf, type Task, taskAt, tasksOf } from "./tasks";
import { offersOf } from "./templates";
import { slotName } from "./block-name";

const EMPTY = "do:\n  # What to do.\n  - first: { set: { a: 1 } }\n";
const WORDS = { kinds: {}, kindAbout: {} };

function decided(): string {
  const offer = offersOf(undefined, WORDS).find(({ kind }) => kind === "switch");
  return addTask(EMPTY, ["do"], 1, "decide", offer?.value).text;
}

function task(text: string, name: string): Task {
  const found = tasksOf(blockOf(read(text).value)).find((one) => one.name === name);
  if (!found) throw new Error(`no task ${name}`);
  return found;
}

const armsIn = (text: string) =>
  task(text, "decide").blocks.map(({ arm, tasks }) => [arm?.name, ...tasks.map(({ name }) => name)]);

const listOfArm = (text: string, at: number) => task(text, "decide").blocks[at]?.path ?? [];

describe("a decision", () => {
  it("begins with a way for yes and one for the rest, and neither has a group", () => {
    const text = decided();
    expect(task(text, "decide").kind).toBe("decide");
    expect(armsIn(text)).toEqual([["yes"], ["otherwise"]]);
    expect(valueAt(read(text).value, ["do", 1, "decide", "do"])).toHaveLength(1);
    expect(text).toContain("# What to do.");
  });
  it("gets the group of an arm with its first step, and the way there and out of it", () => {
    const added = addTask(decided(), listOfArm(decided(), 1), 0, "note", { set: { b: 2 } });
    expect(armsIn(added.text)).toEqual([["yes"], ["otherwise", "note"]]);
    expect(added.selected).toEqual([task(added.text, "note").pointer]);
    const both = addTask(added.text, listOfArm(added.text, 0), 0, "ask", { set: { c: 3 } }).text;
    expect(armsIn(both)).toEqual([
      ["yes", "ask"],
      ["otherwise", "note"],
    ]);
    expect(valueAt(read(both).value, ["do", 1, "decide"])).toEqual({
      do: [
        {
          "decide-cases": {
            switch: [
              { yes: { when: "${ true }", then: "decide-yes" } },
              { otherwise: { then: "decide-otherwise" } },
            ],
          },
        },
        { "decide-yes": { do: [{ ask: { set: { c: 3 } } }], then: "exit" } },
        { "decide-otherwise": { do: [{ note: { set: { b: 2 } } }], then: "exit" } },
      ],
    });
  });
  it("loses the group of an arm with its last step, whether that goes or moves", () => {
    const text = addTask(decided(), listOfArm(decided(), 0), 0, "note", { set: { b: 2 } }).text;
    expect(removeTasks(text, [task(text, "note").path]).text).toBe(decided());
    const moved = moveTask(text, task(text, "note").path, listOfArm(text, 1), 0);
    expect(armsIn(moved.text)).toEqual([["yes"], ["otherwise", "note"]]);
    expect(moved.selected).toEqual([task(moved.text, "note").pointer]);
  });
  it("takes what is pasted and what comes from outside, with its comments", () => {
    const text = decided();
    const put = pasted(
      text,
      "# Why.\n- x: { set: { a: 1 } }\n- y: { set: { b: 1 } }\n",
      listOfArm(text, 0),
      0,
    );
    expect(armsIn(put?.text ?? "")).toEqual([["yes", "x", "y"], ["otherwise"]]);
    const moved = moveTask(text, ["do", 0, "first"], listOfArm(text, 0), 0);
    expect(armsIn(moved.text)).toEqual([["yes", "first"], ["otherwise"]]);
    expect(moved.text).toContain("# What to do.");
  });
  it("gets, loses and renames ways, each before the rest", () => {
    const more = addArm(decided(), ["do", 1, "decide"]);
    expect(armsIn(more)).toEqual([["yes"], ["case2"], ["otherwise"]]);
    const renamed = renameArm(more, ["do", 1, "decide"], 1, "maybe");
    expect(armsIn(renamed)).toEqual([["yes"], ["maybe"], ["otherwise"]]);
    expect(renameArm(renamed, ["do", 1, "decide"], 1, "yes")).toBe(renamed);
    const filled = addTask(renamed, listOfArm(renamed, 1), 0, "note", { set: { b: 2 } }).text;
    expect(armsIn(removeArm(filled, ["do", 1, "decide"], 1))).toEqual([["yes"], ["otherwise"]]);
    expect(removeArm(filled, ["do", 1, "decide"], 1)).not.toContain("note");
  });
  it("is known by its shape alone: ways that lead elsewhere are drawn as jumps", () => {
    const value = (tasks: unknown[]) => ({ do: tasks });
    const way = (then: string) => ({ c: { switch: [{ yes: { then } }] } });
    const arm = { a: { do: [{ x: { set: {} } }], then: "exit" } };
    expect(armsOf(value([way("a"), arm]), [])).toHaveLength(1);
    for (const other of [
      [way("continue")],
      [way("a"), { a: { do: [], then: "b" } }, { b: { do: [], then: "exit" } }],
      [way("a"), { a: { set: {} } }],
      [way("exit"), arm],
      [{ c: { switch: [{ yes: { then: "a" } }], if: "x" } }, arm],
      [arm],
    ]) {
      expect(armsOf(value(other), [])).toBeUndefined();
    }
    expect(armsOf({ do: "x" }, [])).toBeUndefined();
  });
  it("has slots that say where they are", () => {
    const text = addTask(decided(), listOfArm(decided(), 0), 0, "note", { set: { b: 2 } }).text;
    const decision = task(text, "decide");
    const [yes, rest] = decision.blocks;
    if (!yes || !rest) throw new Error("no arms");
    expect(slotName(yes, 1, decision)).toBe("after note, in yes of decide");
    expect(slotName(rest, 0, decision)).toBe("at the beginning, in otherwise of decide");
    expect(
      taskAt(blockOf(read(text).value), pointerOf(pathOf(read(text).value, decision.pointer))),
    ).toBeTruthy();
  });
});

const FLAT = `do:
  # How much?
  - choose:
      switch:
        - big: { when: "\${ .a > 1 }", then: ask }
        - small: { when: "\${ .a > 0 }", then: note }
        - none: { then: last }
  - ask: { set: { a: 1 } }
  # Told.
  - tell: { set: { b: 1 }, then: last }
  - note: { set: { c: 1 } } # noted
  - last: { set: { d: 1 } }
`;

const shapeOf = (text: string, name: string) =>
  task(text, name).blocks.map(({ arm, tasks }) => [arm?.name, ...tasks.map((one) => one.name)]);
const SHAPE = [["big", "ask", "tell"], ["small", "note"], ["none"]];

describe("a switch that jumps over the steps behind it", () => {
  it("is shown with its arms, and its steps are where they are written", () => {
    expect(shapeOf(FLAT, "choose")).toEqual(SHAPE);
    const root = blockOf(read(FLAT).value);
    expect(root.tasks.map(({ name }) => name)).toEqual(["choose", "last"]);
    expect(root.places).toEqual([0, 4, 5]);
    expect(task(FLAT, "note").pointer).toBe("/do/3/note");
  });
  it("becomes a group with the first edit of its arms, which keeps all comments", () => {
    const added = addTask(FLAT, task(FLAT, "choose").blocks[2]?.path ?? [], 0, "skip", { set: { e: 1 } });
    expect(task(added.text, "choose").kind).toBe("decide");
    expect(shapeOf(added.text, "choose")).toEqual([...SHAPE.slice(0, 2), ["none", "skip"]]);
    expect(added.selected).toEqual([task(added.text, "skip").pointer]);
    for (const comment of ["# How much?", "# Told.", "# noted"]) expect(added.text).toContain(comment);
    const names = blockOf(read(added.text).value).tasks.map(({ name }) => name);
    expect(names).toEqual(["choose", "last"]);
    expect(added.text).not.toContain("then: last");
  });
  it("has what comes behind it behind all of its arms", () => {
    const added = addTask(FLAT, ["do"], 4, "between", { set: { e: 1 } }).text;
    expect(blockOf(read(added).value).tasks.map(({ name }) => name)).toEqual(["choose", "between", "last"]);
    expect(shapeOf(added, "choose")).toEqual(SHAPE);
    expect(addTask(FLAT, ["do"], 5, "end", { set: {} }).text).toContain("then: last");
  });
  it("is moved and removed as one, and lets single steps go", () => {
    const moved = moveTask(FLAT, ["do", 0, "choose"], ["do"], 5);
    expect(blockOf(read(moved.text).value).tasks.map(({ name }) => name)).toEqual(["last", "choose"]);
    expect(shapeOf(moved.text, "choose")).toEqual(SHAPE);
    expect(read(removeTasks(FLAT, [["do", 0, "choose"]]).text).value).toEqual({
      do: [{ last: { set: { d: 1 } } }],
    });
    const less = removeTasks(FLAT, [["do", 3, "note"]]).text;
    expect(shapeOf(less, "choose")).toEqual([SHAPE[0], ["small"], ["none"]]);
    const over = moveTask(FLAT, ["do", 4, "last"], task(FLAT, "choose").blocks[1]?.path ?? [], 1).text;
    expect(shapeOf(over, "choose")).toEqual([SHAPE[0], ["small", "note", "last"], ["none"]]);
  });
  it("keeps its name where its own output is asked for", () => {
    const text = FLAT.replace("d: 1", 'd: "${ $steps.choose.output }"');
    const less = removeTasks(text, [["do", 3, "note"]]).text;
    expect(read(less).value).toMatchObject({
      do: [{ "choose-arms": { do: [{ choose: {} }, {}] } }, { last: {} }],
    });
  });
  it("is drawn with jumps where steps lead elsewhere, back, or into an arm from outside", () => {
    for (const [from, to] of [
      ["b: 1 }, then: last", "b: 1 }, then: choose"],
      ["a: 1 }", "a: 1 }, then: note"],
      ["d: 1 }", "d: 1 }, then: tell"],
      ["none: { then: last }", 'none: { when: "x", then: last }'],
      ["then: note", "then: ask"],
      ["b: 1 }, then: last", "b: 1 }"],
      ["then: ask }", "then: tell }"],
    ] as const) {
      const text = FLAT.replace(from, to);
      expect(text).not.toBe(FLAT);
      expect(task(text, "choose").blocks).toEqual([]);
    }
  });
});
