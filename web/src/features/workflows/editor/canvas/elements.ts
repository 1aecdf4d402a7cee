import { MarkerType, type NodeHandle, Position } from "@xyflow/react";

import { slotName } from "../model/block-name";
import { laneId, linesOf, slotsOf, START } from "../model/flow";
import { type Block, hasLanes, placeOf, type Task } from "../model/tasks";
import type { Layout } from "./layout";
import type { AnyNode } from "./nodes";
import type { RoutedEdge } from "./routed-line";

const ARROW = { type: MarkerType.ArrowClosed, color: "var(--oc-muted)", width: 14, height: 14 };
const FIXED = { draggable: false, selectable: false, focusable: false, connectable: false };

/** Where lines begin and end, so that those to what is out of view are drawn too. */
function endsOf(width: number, height: number): NodeHandle[] {
  const at = { x: width / 2, width: 1, height: 1 };
  return [
    { ...at, type: "target", position: Position.Top, y: 0 },
    { ...at, type: "source", position: Position.Bottom, y: height },
  ];
}

/** What a slot is beside: the steps before and behind it, what it is the first place in; the last of all is near at first. */
function nearOf({ tasks }: Block, index: number, holder: Task | undefined): string[] {
  const outer = holder && index === 0 ? holder.pointer : undefined;
  const first = !holder && index === tasks.length ? START : undefined;
  const around = [tasks[index - 1]?.pointer, tasks[index]?.pointer, outer, first];
  return around.filter((one) => one !== undefined);
}

/** What the canvas shows, where the layout knows a place for it; outer things come before what is in them. */
export function elementsOf(
  root: Block,
  { boxes, routes }: Layout,
): { nodes: AnyNode[]; edges: RoutedEdge[] } {
  const nodes: AnyNode[] = [];
  const edges: RoutedEdge[] = [];
  const add = (id: string, part: Pick<AnyNode, "type" | "data">) => {
    const box = boxes.get(id);
    if (!box) return false;
    const { x, y, width, height, parent } = box;
    const place = { position: { x, y }, width, height, style: { width, height } };
    const handles = endsOf(width, height);
    nodes.push({
      id,
      ...place,
      ...FIXED,
      handles,
      ...(parent !== undefined && { parentId: parent }),
      ...part,
    } as AnyNode);
    return true;
  };
  const block = (one: Block, holder?: Task) => {
    const isRoot = holder === undefined;
    for (const { id, index } of slotsOf(one)) {
      const where = slotName(one, index, holder);
      const isEmpty = one.tasks.length === 0;
      add(id, {
        type: "slot",
        data: {
          list: one.path,
          index: placeOf(one, index),
          where,
          isEmpty,
          near: nearOf(one, index, holder),
        },
      });
    }
    for (const task of one.tasks) {
      const isGroup = task.blocks.length > 0;
      if (!add(task.pointer, { type: isGroup ? "block" : "task", data: { task } })) continue;
      for (const inner of task.blocks) {
        if (hasLanes(task)) add(laneId(inner), { type: "lane", data: { block: inner } });
        block(inner, task);
      }
    }
    for (const { id, from, to, kind, label } of linesOf(one, isRoot)) {
      if (kind === "order") continue;
      const route = routes.get(id);
      if (!route) continue;
      edges.push({
        ...{ id, source: from, target: to, type: "routed", focusable: false, selectable: false },
        data: { ...route, label },
        ...(kind !== "out" && { markerEnd: ARROW }),
      });
    }
  };
  add(START, { type: "start", data: {} });
  block(root);
  return { nodes, edges };
}
