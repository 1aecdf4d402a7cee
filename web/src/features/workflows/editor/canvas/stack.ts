import type { ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api";

import { frameOf, GAPS, isAcross } from "./layout-graph";

/** Things in one row, and things in all, that the layout library is asked to place; it goes into itself for each. */
const MOST_IN_ROW = 300;
export const MOST_FOR_ELK = 800;
const MOST_LANES = 8;
const LANE_WIDTH = 14;
const WORD_ROOM = 96;

interface Survey {
  /** Everything inside. */
  count: number;
  longest: number;
  doesBranch: boolean;
}

/** What the layout library places: the whole when it is small, else parts that branch, as far as they are few. */
export function partsForElk(graph: ElkNode): readonly ElkNode[] {
  const surveys = new Map<string, Survey>();
  survey(graph, surveys);
  const isSmall = ({ count, longest }: Survey) => count <= MOST_FOR_ELK && longest <= MOST_IN_ROW;
  const parts: ElkNode[] = [];
  let room = MOST_FOR_ELK;
  const choose = (node: ElkNode) => {
    const seen = surveys.get(node.id);
    if (!seen || (node !== graph && !seen.doesBranch)) return;
    if (isSmall(seen) && seen.count <= room) {
      parts.push(node);
      room -= seen.count;
    } else for (const child of node.children ?? []) choose(child);
  };
  choose(graph);
  return parts;
}

function survey(node: ElkNode, found: Map<string, Survey>): Survey | undefined {
  const { children } = node;
  if (!children) return undefined;
  const inner = children.flatMap((child) => survey(child, found) ?? []);
  const all: Survey = {
    count: inner.reduce((sum, { count }) => sum + count, children.length),
    longest: inner.reduce((most, { longest }) => Math.max(most, longest), children.length),
    doesBranch: inner.some(({ doesBranch }) => doesBranch) || isAcross(node) || jumpsOf(node).length > 0,
  };
  found.set(node.id, all);
  return all;
}

interface Jump {
  edge: ElkExtendedEdge;
  from: number;
  to: number;
}

/** Lines to something else than what comes next. */
function jumpsOf({ children = [], edges = [] }: ElkNode): Jump[] {
  const places = new Map(children.map(({ id }, at) => [id, at]));
  return edges
    .map((edge) => ({ edge, from: placeOf(places, edge.sources), to: placeOf(places, edge.targets) }))
    .filter(({ from, to }) => to !== from + 1);
}

const placeOf = (places: ReadonlyMap<string, number>, [id = ""]: readonly string[]) => places.get(id) ?? 0;

type Laid = ElkNode & Required<Pick<ElkNode, "x" | "y" | "width" | "height">>;

/** The graph with a place for each thing, one beneath the other, around the parts that are done. */
export function stacked(node: ElkNode, done: ReadonlyMap<string, ElkNode>): ElkNode {
  const ready = done.get(node.id);
  if (ready || !node.children) return ready ?? node;
  const inner = node.children.map((child) => stacked(child, done));
  return isAcross(node) ? row(node, inner) : column(node, inner);
}

function row(node: ElkNode, inner: readonly ElkNode[]): ElkNode {
  const frame = frameOf(node.id);
  let x: number = frame.side;
  const children = inner.map((child) => {
    const laid = { ...child, x, y: frame.top };
    x += (child.width ?? 0) + GAPS.along;
    return laid;
  });
  const deepest = inner.reduce((most, { height = 0 }) => Math.max(most, height), 0);
  return {
    ...{ ...node, children, edges: [] }, // lines between branches are for their order, and not drawn
    width: Math.max(frame.width, x - GAPS.along + frame.side),
    height: Math.max(frame.height, frame.top + deepest + frame.bottom),
  };
}

function column(node: ElkNode, inner: readonly ElkNode[]): ElkNode {
  const frame = frameOf(node.id);
  const broadest = inner.reduce((most, { width = 0 }) => Math.max(most, width), frame.width - 2 * frame.side);
  let y = frame.top;
  const children = inner.map((child): Laid => {
    const { width = 0, height = 0 } = child;
    const laid = { ...child, width, height, x: frame.side + (broadest - width) / 2, y };
    y += height + GAPS.along;
    return laid;
  });
  const jumps = jumpsOf(node);
  const around = routed(jumps, children, frame.side + broadest);
  const isJump = new Set(jumps.map(({ edge }) => edge));
  const places = new Map(children.map((child) => [child.id, child]));
  const straight = (node.edges ?? [])
    .filter((edge) => !isJump.has(edge))
    .map((edge) => straightened(edge, places));
  return {
    ...{ ...node, children, edges: [...straight, ...around.edges] },
    width: Math.max(frame.width, broadest + 2 * frame.side + around.width),
    height: Math.max(frame.height, y - GAPS.along + frame.bottom),
  };
}

/** A line down to what comes next; both stand on one axis. */
function straightened(edge: ElkExtendedEdge, places: ReadonlyMap<string, Laid>): ElkExtendedEdge {
  const [from, to] = [edge.sources, edge.targets].map(([id = ""]) => places.get(id));
  if (!from || !to) return edge;
  const x = from.x + from.width / 2;
  const [start, end] = [from.y + from.height, to.y];
  const labels = (edge.labels ?? []).map((label) => ({ ...label, x: x + 6, y: (start + end - 18) / 2 }));
  const section = { id: edge.id, startPoint: { x, y: start }, endPoint: { x, y: end } };
  return { ...edge, labels, sections: [section] };
}

/** Lines that go around, to the right of everything, side by side where they pass each other. */
function routed(
  jumps: readonly Jump[],
  children: readonly Laid[],
  right: number,
): { edges: ElkExtendedEdge[]; width: number } {
  const room = jumps.some(({ edge }) => edge.labels) ? WORD_ROOM : 0;
  const ends: number[] = []; // of each lane: down to where it is taken
  const leaving = new Map<Laid, number>();
  const inOrder = jumps.toSorted((one, other) => Math.min(one.from, one.to) - Math.min(other.from, other.to));
  const edges = inOrder.flatMap(({ edge, from, to }, at) => {
    const [source, target] = [children[from], children[to]];
    if (!source || !target) return [];
    const upper = Math.min(from, to);
    const free = ends.findIndex((end) => end < upper);
    const lane = free >= 0 ? free : ends.length < MOST_LANES ? ends.length : at % MOST_LANES;
    ends[lane] = Math.max(ends[lane] ?? 0, from, to);
    const nth = leaving.get(source) ?? 0;
    leaving.set(source, nth + 1);
    const startPoint = {
      x: source.x + source.width,
      y: source.y + Math.min(source.height - 8, 65 + 22 * nth), // beside the case it is of
    };
    const endPoint = { x: target.x + target.width, y: target.y + Math.min(target.height / 2, 27) };
    const x = right + room + LANE_WIDTH * (lane + 1);
    const bendPoints = [
      { x, y: startPoint.y },
      { x, y: endPoint.y },
    ];
    const labels = (edge.labels ?? []).map((label) => ({ ...label, x: right + 4, y: startPoint.y - 9 }));
    return [{ ...edge, labels, sections: [{ id: edge.id, startPoint, bendPoints, endPoint }] }];
  });
  return { edges, width: ends.length > 0 ? room + LANE_WIDTH * ends.length : 0 };
}
