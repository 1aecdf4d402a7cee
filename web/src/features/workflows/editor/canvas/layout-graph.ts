import type { ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api";

import { laneId, type Line, linesOf, slotsOf, START } from "../model/flow";
import type { Block, Task } from "../model/tasks";

const SIZES = {
  task: { width: 236, height: 54 },
  caseHeight: 22,
  slot: { width: 22, height: 22 },
  emptySlot: { width: 216, height: 52 },
  start: { width: 236, height: 40 },
  groupHead: 50,
} as const;

const COMMON = {
  "elk.algorithm": "layered",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
  "elk.layered.cycleBreaking.strategy": "MODEL_ORDER",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.spacing.nodeNodeBetweenLayers": "16",
  "elk.spacing.nodeNode": "36",
  "elk.spacing.edgeNode": "20",
  "elk.edgeLabels.placement": "CENTER",
};

const direction = (isAcross: boolean) => ({ ...COMMON, "elk.direction": isAcross ? "RIGHT" : "DOWN" });
const padding = (top: number) => `[top=${top},left=18,bottom=16,right=18]`;

/** The canvas as the layout library reads it. */
export function layoutGraph(root: Block): ElkNode {
  const inner = content(root, true);
  return { id: "root", layoutOptions: direction(false), ...inner };
}

function content(block: Block, isRoot = false): Pick<ElkNode, "children" | "edges"> {
  const start = isRoot ? [{ id: START, ...SIZES.start }] : [];
  const slots = slotsOf(block);
  const size = block.tasks.length === 0 ? SIZES.emptySlot : SIZES.slot;
  const at = (index: number) =>
    slots.filter((slot) => slot.index === index).map(({ id }) => ({ id, ...size }));
  const children: ElkNode[] = [...start, ...at(0)];
  for (const [index, task] of block.tasks.entries()) children.push(taskNode(task), ...at(index + 1));
  return { children, edges: edges(linesOf(block, isRoot)) };
}

function edges(lines: readonly Line[]): ElkExtendedEdge[] {
  return lines.map(({ id, from, to, label }) => ({
    ...{ id, sources: [from], targets: [to] },
    ...(label && { labels: [{ text: label, width: Math.min(90, 10 + label.length * 7), height: 18 }] }),
  }));
}

function taskNode(task: Task): ElkNode {
  const [only] = task.blocks;
  if (!only) {
    const height = SIZES.task.height + task.cases.length * SIZES.caseHeight;
    return { id: task.pointer, width: SIZES.task.width, height };
  }
  const options = {
    "elk.padding": padding(SIZES.groupHead),
    "elk.nodeSize.minimum": "(236,90)",
    "elk.nodeSize.constraints": "MINIMUM_SIZE",
  };
  if (task.blocks.length === 1) {
    return {
      id: task.pointer,
      layoutOptions: { ...direction(only.role === "branches"), ...options },
      ...content(only),
    };
  }
  const lanes = task.blocks.map((block) => ({
    id: laneId(block),
    layoutOptions: {
      ...direction(block.role === "branches"),
      "elk.padding": padding(34),
      "elk.nodeSize.minimum": "(150,80)",
      "elk.nodeSize.constraints": "MINIMUM_SIZE",
    },
    ...content(block),
  }));
  const order = lanes.slice(1).map(({ id }, index) => ({
    id: `${lanes[index]?.id ?? ""}>${id}`,
    sources: [lanes[index]?.id ?? ""],
    targets: [id],
  }));
  return {
    id: task.pointer,
    layoutOptions: { ...direction(true), ...options },
    children: lanes,
    edges: order,
  };
}
