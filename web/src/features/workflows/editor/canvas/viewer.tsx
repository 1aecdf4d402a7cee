import { useReactFlow, useStore } from "@xyflow/react";
import { useEffect, useRef } from "react";

import type { Layout } from "./layout";
import { SMALLEST, viewOf, viewOn } from "./view";

const ROOM = 20;

type Flow = Pick<Layout, "width" | "height">;

interface Props {
  active: string | undefined;
  flow: Flow | undefined;
}

/** Shows the beginning at first: the whole flow where it is legible then, else its upper part. */
function useFirstView(flow: Flow | undefined): void {
  const { setViewport } = useReactFlow();
  const { width, height } = useStore(sizeOf, shallow);
  const isDone = useRef(false);
  useEffect(() => {
    if (isDone.current || !flow || width === 0 || height === 0) return;
    isDone.current = true;
    const whole = Math.min((width - 2 * ROOM) / flow.width, (height - 2 * ROOM) / flow.height);
    const across = (width - 2 * ROOM) / flow.width;
    const zoom = Math.min(1, Math.max(SMALLEST, whole >= SMALLEST ? whole : across));
    void setViewport({ x: Math.max(ROOM, (width - flow.width * zoom) / 2), y: ROOM, zoom });
  }, [flow, width, height, setViewport]);
}

const sizeOf = ({ width, height }: { width: number; height: number }) => ({ width, height });
const shallow = (one: { width: number; height: number }, other: { width: number; height: number }) =>
  one.width === other.width && one.height === other.height;

/** Brings the active task into view when it is not, once it has its place, and what the flow grew by. */
export function Viewer({ active, flow }: Props) {
  useFirstView(flow);
  const { getInternalNode, getViewport, setViewport, getNodesBounds } = useReactFlow();
  const nodes = useStore((store) => store.nodes); // the new ones are there when these change
  const shown = useRef<Flow & { active: string | undefined }>(undefined);
  useEffect(() => {
    const box = document.querySelector(".react-flow")?.getBoundingClientRect();
    const isPlaced = active === undefined || getInternalNode(active) !== undefined;
    if (!box || !flow || !isPlaced) return;
    const before = shown.current;
    const { width, height } = flow;
    shown.current = { active, width, height };
    const hasGrown = before !== undefined && before.width !== width;
    if (before?.active === active && !hasGrown && before?.height === height) return;
    const now = getViewport();
    const whole = hasGrown ? viewOf(now, box, flow) : now;
    const next = active === undefined ? whole : viewOn(whole, box, getNodesBounds([active]));
    if (next.x !== now.x || next.y !== now.y || next.zoom !== now.zoom) void setViewport(next);
  }, [active, flow, nodes, getInternalNode, getViewport, setViewport, getNodesBounds]);
  return null;
}
