import { BaseEdge, type Edge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";

import styles from "./canvas.module.css";
import type { Point, Route } from "./layout";

export type RoutedEdge = Edge<Route & { label: string }, "routed">;

const ROUND = 8;

/** A line through points with round corners. */
function pathOf(points: readonly Point[]): string {
  return points
    .map((point, at) => {
      const before = points[at - 1];
      const next = points[at + 1];
      if (!before) return `M ${point.x} ${point.y}`;
      if (!next) return `L ${point.x} ${point.y}`;
      const from = towards(point, before);
      const to = towards(point, next);
      return `L ${from.x} ${from.y} Q ${point.x} ${point.y} ${to.x} ${to.y}`;
    })
    .join(" ");
}

function towards(from: Point, to: Point): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const part = length === 0 ? 0 : Math.min(ROUND, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

/** A line as the layout found it a way. */
function RoutedLine({ data, markerEnd }: EdgeProps<RoutedEdge>) {
  if (!data) return null;
  const { points, middle, label } = data;
  return (
    <>
      <BaseEdge path={pathOf(points)} {...(markerEnd !== undefined && { markerEnd })} />
      {label && middle && (
        <EdgeLabelRenderer>
          <span
            className={styles["word"]}
            style={{ transform: `translate(-50%, -50%) translate(${middle.x}px, ${middle.y}px)` }}
          >
            {label}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

export const EDGE_TYPES = { routed: RoutedLine };
