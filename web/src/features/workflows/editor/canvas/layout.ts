import ELK, { type ElkNode } from "elkjs/lib/elk-api";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";

import type { Block } from "../model/tasks";
import { layoutGraph } from "./layout-graph";
import { partsForElk, stacked } from "./stack";

/** Where something is drawn, inside what it stands in. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
  parent: string | undefined;
}

export interface Point {
  x: number;
  y: number;
}

/** How a line goes, from the canvas's corner, and where its word stands. */
export type Route = {
  points: readonly Point[];
  middle: Point | undefined;
};

export interface Layout {
  boxes: ReadonlyMap<string, Box>;
  routes: ReadonlyMap<string, Route>;
  width: number;
  height: number;
}

let elk: InstanceType<typeof ELK> | undefined;

/** The places of all that is on the canvas. */
export async function layout(root: Block): Promise<Layout> {
  const found = { boxes: new Map<string, Box>(), routes: new Map<string, Route>() };
  const laid = await placed(layoutGraph(root));
  gather(laid, undefined, { x: 0, y: 0 }, found);
  return { ...found, width: laid.width ?? 0, height: laid.height ?? 0 };
}

/** By the library, beside the page's own thread; of what is too much for it only the parts that branch. */
async function placed(graph: ElkNode): Promise<ElkNode> {
  const parts = partsForElk(graph);
  if (parts.length > 0) elk ??= new ELK({ workerUrl });
  if (parts[0] === graph) return elk?.layout(graph) ?? graph;
  const done = parts.map(async (part) => {
    const laid = await elk?.layout({ id: `around:${part.id}`, children: [part] });
    return [part.id, laid?.children?.[0] ?? part] as const;
  });
  return stacked(graph, new Map(await Promise.all(done)));
}

interface Found {
  boxes: Map<string, Box>;
  routes: Map<string, Route>;
}

function gather(node: ElkNode, parent: string | undefined, corner: Point, found: Found): void {
  const away = ({ x, y }: Point): Point => ({ x: x + corner.x, y: y + corner.y });
  for (const { id, sections = [], labels = [] } of node.edges ?? []) {
    const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [
      startPoint,
      ...bendPoints,
      endPoint,
    ]);
    const [word] = labels;
    const { x = 0, y = 0, width = 0, height = 0 } = word ?? {};
    const middle = word && away({ x: x + width / 2, y: y + height / 2 });
    found.routes.set(id, { points: points.map(away), middle });
  }
  for (const child of node.children ?? []) {
    const { id, x = 0, y = 0, width = 0, height = 0 } = child;
    found.boxes.set(id, { x, y, width, height, parent });
    gather(child, id, away({ x, y }), found);
  }
}
