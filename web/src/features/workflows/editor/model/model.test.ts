import { describe, expect, it } from "vitest";

import { insertItem, removeItem, setValue } from "./edit";
import { begun, changed, redone, typed, undone } from "./history";
import { addTask, copied, moveTask, newWorkflow, pasted, removeTasks, renameTask } from "./operations";
import { pathOf, pointerOf, valueAt, withValue } from "./path";
import { lineAt, read } from "./source";
import { blockOf, tasksOf } from "./tasks";

const TEXT = `# What it is for
document:
  dsl: 1.0.3   # the language
  namespace: default
  name: orders
  version: 0.1.0

do:
  # First of all
  - fetch:
      call: http # over the network
      with:
        method: get
        endpoint: "https://example.org/orders"   # where

  # Each one of them
  - each:
      for: { each: order, in: "\${ .orders }" }
      do:
        - check:   # inner
            switch:
              - dear: { when: "\${ .order.price > 5 }", then: ask }
              - otherwise:
                  then: note
        - ask:
            host:
              approval:
                title: Buy it? # a question
                text: |
                  Two lines
                  #1 is no comment
        - note:
            set:
              seen: \${ $steps.fetch.output.seen }
  # At the end
  - done:
      set: { ok: true }
      then: end
# The very end
`;

const comments = (text: string) => text.match(/# [A-Za-z][^\n]*/g) ?? [];
const valueOf = (text: string) => read(text).value;
const paths = () => tasksOf(blockOf(valueOf(TEXT))).map(({ path }) => path);

describe("edits of the text", () => {
  it("reads what it is given", () => {
    expect(read(TEXT).problem).toBeUndefined();
    expect(tasksOf(blockOf(valueOf(TEXT))).map(({ pointer, kind }) => `${kind} ${pointer}`)).toEqual([
      "call /do/0/fetch",
      "for /do/1/each",
      "switch /do/1/each/do/0/check",
      "ask /do/1/each/do/1/ask",
      "set /do/1/each/do/2/note",
      "set /do/2/done",
    ]);
  });

  const VALUES = [
    "plain",
    "yes: no",
    "${ .a }",
    5,
    true,
    null,
    "two\nlines\n",
    { a: { b: [1, 2] } },
    [],
    {},
    ["x"],
    "# x",
    "",
  ];
  const PLACES = [
    ["do", 0, "fetch", "with", "method"],
    ["do", 0, "fetch", "with", "body"],
    ["do", 0, "fetch", "if"],
    ["do", 0, "fetch", "host", "retry", "limit"],
    ["do", 0, "fetch", "with", "endpoint"],
    ["do", 1, "each", "for", "in"],
    ["do", 1, "each", "for", "at"],
    ["do", 1, "each", "do", 1, "ask", "host", "approval", "text"],
    ["do", 1, "each", "do", 1, "ask", "host", "approval", "role"],
    ["document", "summary"],
    ["document", "name"],
    ["host", "triggers"],
  ];

  it.each(PLACES.flatMap((place) => VALUES.map((value) => [pointerOf(place), value, place] as const)))(
    "sets %s to %j and touches nothing else",
    (_, value, place) => {
      const done = setValue(TEXT, place, value);
      expect(valueOf(done)).toEqual(withValue(valueOf(TEXT), place, value));
      for (const comment of comments(TEXT)) expect(done).toContain(comment);
      const isInFlow = place.includes("for"); // then its line is written anew
      if (valueAt(valueOf(TEXT), place) === undefined && !isInFlow) {
        const left = done.split("\n");
        for (const line of TEXT.split("\n")) expect(left).toContain(line);
        expect(valueOf(setValue(done, place, undefined))).toBeDefined();
      }
    },
  );

  it("takes a member away and leaves the other lines", () => {
    const done = setValue(TEXT, ["do", 0, "fetch", "with", "method"], undefined);
    expect(done).toBe(TEXT.replace("        method: get\n", ""));
  });

  it("changes one word in its place", () => {
    expect(setValue(TEXT, ["do", 0, "fetch", "call"], "openapi")).toBe(
      TEXT.replace("call: http", "call: openapi"),
    );
    expect(setValue(TEXT, ["document", "dsl"], "1.0.4")).toContain("dsl: 1.0.4   # the language");
  });

  it.each(paths().map((path) => [pointerOf(path), path] as const))(
    "removes %s with its own comments",
    (_, path) => {
      const list = path.slice(0, -2);
      const done = removeItem(TEXT, list, Number(path[path.length - 2]));
      expect(valueAt(valueOf(done), list)).toHaveLength(
        (valueAt(valueOf(TEXT), list) as unknown[]).length - 1,
      );
      expect(done).toContain("# The very end");
      expect(done).toContain("# What it is for");
    },
  );

  const SLOTS = tasksOf(blockOf(valueOf(TEXT))).flatMap(({ path }) => [
    [...path.slice(0, -1)],
    [...path.slice(0, -2), Number(path[path.length - 2]) + 1],
  ]);

  it.each(SLOTS.map((slot) => [pointerOf(slot), slot] as const))(
    "inserts at %s and keeps every line",
    (_, slot) => {
      const list = slot.slice(0, -1);
      const done = insertItem(TEXT, list, Number(slot[slot.length - 1]), { added: { wait: "PT1S" } });
      expect(valueAt(valueOf(done), [...slot, "added", "wait"])).toBe("PT1S");
      expect(removeItem(done, list, Number(slot[slot.length - 1]))).toBe(TEXT);
    },
  );

  it.each(
    paths().flatMap((path) => SLOTS.map((slot) => [pointerOf(path), pointerOf(slot), path, slot] as const)),
  )("moves %s to %s with all comments", (_from, _to, path, slot) => {
    const { text, selected } = moveTask(TEXT, path, slot.slice(0, -1), Number(slot[slot.length - 1]));
    expect(tasksOf(blockOf(valueOf(text)))).toHaveLength(6);
    expect([...comments(text)].sort()).toEqual([...comments(TEXT)].sort());
    const [at = ""] = selected;
    const moved = valueAt(valueOf(text), pathOf(valueOf(text), at));
    // A decision takes its arms along.
    if (text !== TEXT && path.includes("check")) expect(moved).toHaveProperty("do");
    else expect(moved).toEqual(valueAt(valueOf(TEXT), path));
  });

  it("puts the first task into an empty list, also in a document that has none", () => {
    const first = addTask(newWorkflow("x"), ["do"], 0, "hello", { set: { a: 1 } });
    expect(first.text).toContain("do:\n  - hello:\n      set:\n        a: 1\n");
    expect(first.selected).toEqual(["/do/0/hello"]);
    expect(valueOf(removeTasks(first.text, [["do", 0, "hello"]]).text)).toEqual(valueOf(newWorkflow("x")));
    expect(valueOf(addTask("a: 1", ["do"], 0, "b", { set: {} }).text)).toEqual({
      a: 1,
      do: [{ b: { set: {} } }],
    });
  });

  it("edits a document in JSON", () => {
    const text = JSON.stringify(valueOf(TEXT), null, 2);
    const done = addTask(text, ["do"], 1, "b", { set: { c: 1 } });
    expect(valueAt(valueOf(done.text), ["do", 1, "b", "set", "c"])).toBe(1);
  });

  it("renames a task and what names it", () => {
    const { text, selected } = renameTask(TEXT, ["do", 0, "fetch"], "load");
    expect(selected).toEqual(["/do/0/load"]);
    expect(text).toBe(TEXT.replace("- fetch:", "- load:").replace("$steps.fetch", "$steps.load"));
    const jump = renameTask(TEXT, ["do", 1, "each", "do", 2, "note"], "remember").text;
    expect(jump).toContain("then: remember");
  });
});

describe("copies", () => {
  it("puts tasks beside themselves under new names", () => {
    const clipboard = copied(TEXT, [
      ["do", 0, "fetch"],
      ["do", 2, "done"],
    ]);
    const done = pasted(TEXT, clipboard, ["do"], 3);
    expect(done?.selected).toEqual(["/do/3/fetch-2", "/do/4/done-2"]);
    expect(comments(done?.text ?? "")).toHaveLength(comments(TEXT).length + 4);
  });
  it.each(["", "hello", "- a", "- a: {}\n", "[", "- {a: {set: 1}, b: 2}"])("takes no %j", (text) => {
    expect(pasted(TEXT, text, ["do"], 0)).toBeUndefined();
  });
});

describe("the way back", () => {
  it("gives the very same texts", () => {
    const steps = paths().map((path) => moveTask(TEXT, path, ["do"], 0).text);
    const done = steps.reduce(changed, begun(TEXT));
    let back = done;
    for (const step of steps.toReversed()) {
      expect(back.text).toBe(step);
      back = undone(back);
    }
    expect(undone(back).text).toBe(TEXT);
    expect(steps.reduce((now) => redone(now), back).text).toBe(done.text);
  });
  it("takes what is typed at once as one step", () => {
    const now = typed(typed(typed(begun("a"), "ab", 0), "abc", 100), "abcd", 2000);
    expect(undone(now).text).toBe("abc");
    expect(undone(undone(now)).text).toBe("a");
  });
});

describe("places", () => {
  it("knows the line of a path", () => {
    expect(lineAt(TEXT, ["do", 0, "fetch", "with", "endpoint"])).toBe(14);
    expect(lineAt(TEXT, ["do", 1, "each", "nothing"])).toBe(17);
  });
  it("tells on which line the text is wrong", () => {
    expect(read("a: 1\nb: [1\n").problem?.line).toBeGreaterThan(1);
    expect(read("a: &a [*a]").value ?? read("a: &a [*a]").problem).toBeDefined();
  });
});
