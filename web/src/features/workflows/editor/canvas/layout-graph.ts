import type { ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api";

import { isLane, laneId, type Line, linesOf, slotsOf, START } from "../model/flow";
import { type Block, hasLanes, type Task } from "../model/tasks";

const SIZES = {
  task: { width: 236, height: 54 },
  caseHeight: 22,
  slot: { width: 22, height: 22 },
  emptySlot: { width: 216, height: 52 },
  start: { width: 236, height: 40 },
} as const;

interface Frame {
  /** Above what is inside. */
  top: number;
  side: number;
  bottom: number;
  width: number;
  height: number;
}

const ROOT: Frame = { top: 12, side: 12, bottom: 12, width: 0, height: 0 };
const LANE: Frame = { top: 34, side: 18, bottom: 16, width: 150, height: 80 };
const GROUP: Frame = { top: 50, side: 18, bottom: 16, width: 236, height: 90 };

/** Between things that follow each other, and between things side by side. */
export const GAPS = { along: 16, beside: 36 } as const;
const ROOT_ID = "root";

/** The room around what is inside of something, and its least size. */
export function frameOf(id: string): Frame {
  if (id === ROOT_ID) return ROOT;
  return isLane(id) ? LANE : GROUP;
}

const COMMON = {
  "elk.algorithm": "layered",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
  "elk.layered.cycleBreaking.strategy": "MODEL_ORDER",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.spacing.nodeNodeBetweenLayers": String(GAPS.along),
  "elk.spacing.nodeNode": String(GAPS.beside),
  "elk.spacing.edgeNode": "20",
  "elk.edgeLabels.placement": "CENTER",
};

const direction = (goesAcross: boolean) => ({ ...COMMON, "elk.direction": goesAcross ? "RIGHT" : "DOWN" });

function framed({ top, side, bottom, width, height }: Frame): Record<string, string> {
  return {
    "elk.padding": `[top=${top},left=${side},bottom=${bottom},right=${side}]`,
    "elk.nodeSize.minimum": `(${width},${height})`,
    "elk.nodeSize.constraints": "MINIMUM_SIZE",
  };
}

/** Whether what is inside of something goes from left to right. */
export const isAcross = ({ layoutOptions }: ElkNode) => layoutOptions?.["elk.direction"] === "RIGHT";

/** The canvas as the layout library reads it. */
export function layoutGraph(root: Block): ElkNode {
  const inner = content(root, true);
  return { id: ROOT_ID, layoutOptions: direction(false), ...inner };
}

function content(block: Block, isRoot = false): Pick<ElkNode, "children" | "edges"> {
  const start = isRoot ? [{ id: START, ...SIZES.start }] : [];
  const size = block.tasks.length === 0 ? SIZES.emptySlot : SIZES.slot;
  const slots = new Map(slotsOf(block).map(({ id, index }) => [index, { id, ...size }]));
  const children: ElkNode[] = [...start];
  const add = (index: number) => {
    const slot = slots.get(index);
    if (slot) children.push(slot);
  };
  add(0);
  for (const [index, task] of block.tasks.entries()) {
    children.push(taskNode(task));
    add(index + 1);
  }
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
  if (!hasLanes(task)) {
    return {
      id: task.pointer,
      layoutOptions: { ...direction(only.role === "branches"), ...framed(GROUP) },
      ...content(only),
    };
  }
  const lanes = task.blocks.map((block) => ({
    id: laneId(block),
    layoutOptions: { ...direction(block.role === "branches"), ...framed(LANE) },
    ...content(block),
  }));
  const order = lanes.slice(1).map(({ id }, index) => ({
    id: `${lanes[index]?.id ?? ""}>${id}`,
    sources: [lanes[index]?.id ?? ""],
    targets: [id],
  }));
  return {
    id: task.pointer,
    layoutOptions: { ...direction(true), ...framed(GROUP) },
    children: lanes,
    edges: order,
  };
}
