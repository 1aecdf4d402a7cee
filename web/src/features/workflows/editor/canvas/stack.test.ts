import { describe, expect, it } from "vitest";

import type { ElkNode } from "elkjs/lib/elk-api";

import { blockOf, type Block } from "../model/tasks";
import { layoutGraph } from "./layout-graph";
import { MOST_FOR_ELK, partsForElk, stacked } from "./stack";

const NONE = new Map<string, ElkNode>();
const chain = (count: number, prefix = "t") =>
  Array.from({ length: count }, (_, at) => ({ [`${prefix}${at}`]: { set: { a: at } } }));
const blockWith = (tasks: unknown[]) => blockOf({ do: tasks });

/** How often the list of tasks is read from. */
function counted(block: Block): { block: Block; reads: () => number } {
  let reads = 0;
  const tasks = new Proxy(block.tasks, {
    get(target, name, receiver) {
      if (typeof name === "string" && /^\d+$/.test(name)) reads += 1;
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  return { block: { ...block, tasks }, reads: () => reads };
}

const everything = (node: ElkNode): ElkNode[] => [node, ...(node.children ?? []).flatMap(everything)];
const sizeOf = (node: ElkNode) => everything(node).length - 1;

describe("flows of any length", () => {
  it("are the library's while they are small", () => {
    const graph = layoutGraph(blockWith(chain(140)));
    expect(partsForElk(graph)).toEqual([graph]);
  });

  it("are read a number of times that grows with their tasks and no faster", () => {
    const work = (count: number) => {
      const { block, reads } = counted(blockWith(chain(count)));
      stacked(layoutGraph(block), NONE);
      return reads();
    };
    const [few, many] = [work(1_000), work(10_000)];
    expect(few).toBeLessThan(20_000);
    expect(many).toBeLessThan(10.1 * few);
  });

  it("stand one beneath the other, each thing with its place and each line with its way", () => {
    const graph = layoutGraph(blockWith(chain(10_000)));
    expect(partsForElk(graph)).toEqual([]);
    const { children = [], edges = [], height = 0 } = stacked(graph, NONE);
    expect(children).toHaveLength(20_002); // the tasks, the places between and around them, the beginning
    expect(children.every(({ y = 0 }, at) => at === 0 || y > (children[at - 1]?.y ?? 0))).toBe(true);
    expect(edges.every(({ sections = [] }) => sections.length === 1)).toBe(true);
    expect(height).toBeGreaterThan((children[20_001]?.y ?? 0) + 22);
  });

  it("leave to the library what branches in them, and no more than it can take", () => {
    const fork = (at: number) => ({ [`f${at}`]: { fork: { branches: chain(3, `b${at}-`) } } });
    const tasks = Array.from({ length: 1_000 }, (_, at) => (at % 2 ? fork(at) : chain(1, `s${at}-`)[0]));
    const parts = partsForElk(layoutGraph(blockWith(tasks)));
    expect(parts.length).toBeGreaterThan(10);
    expect(parts.reduce((sum, part) => sum + sizeOf(part), 0)).toBeLessThanOrEqual(MOST_FOR_ELK);
    const group = { big: { do: chain(400, "g") } };
    const some = partsForElk(layoutGraph(blockWith([...chain(200), fork(0), group])));
    expect(some.map(({ id }) => id)).toEqual(["/do/200/f0"]);
  });

  it("have what the library placed where it belongs", () => {
    const graph = layoutGraph(blockWith([...chain(200), { pair: { fork: { branches: chain(2, "b") } } }]));
    const [part] = partsForElk(graph);
    const done = { ...part, id: part?.id ?? "", x: 12, y: 12, width: 700, height: 120 };
    const { children = [], width = 0 } = stacked(graph, new Map([[done.id, done]]));
    const [pair] = children.filter(({ id }) => id === done.id);
    expect(pair).toMatchObject({ x: 12, width: 700, height: 120 });
    expect(width).toBe(724);
    expect(children[1]).toMatchObject({ x: 12 + (700 - 22) / 2 });
  });

  it("say where one goes on elsewhere by a line around", () => {
    const back = { back: { switch: [{ again: { when: "${ .a }", then: "t3" } }, { on: { then: "end" } }] } };
    const {
      edges = [],
      children = [],
      width = 0,
    } = stacked(layoutGraph(blockWith([...chain(200), back])), NONE);
    const around = edges.filter(({ sections: [one] = [] }) => (one?.bendPoints?.length ?? 0) > 0);
    expect(around.map(({ sources, targets }) => [sources, targets])).toEqual([
      [["/do/200/back"], ["/do/3/t3"]],
    ]);
    const rightmost = Math.max(...children.map(({ x = 0, width: own = 0 }) => x + own));
    const bends = around[0]?.sections?.[0]?.bendPoints ?? [];
    expect(bends.every(({ x }) => x > rightmost && x < width)).toBe(true);
  });

  it("may have groups, lanes and branches in them", () => {
    const inner = { all: { try: chain(500, "x"), catch: { do: chain(2, "y") } } };
    const laid = stacked(layoutGraph(blockWith([...chain(10), inner])), NONE);
    const boxes = everything(laid).slice(1);
    expect(
      boxes.every(
        ({ x, y, width = 0, height = 0 }) => x !== undefined && y !== undefined && width * height > 0,
      ),
    ).toBe(true);
    for (const outer of everything(laid))
      for (const { x = 0, y = 0, width = 0, height = 0 } of outer.children ?? []) {
        expect(x + width).toBeLessThanOrEqual(outer.width ?? 0);
        expect(y + height).toBeLessThanOrEqual(outer.height ?? 0);
      }
  });
});
