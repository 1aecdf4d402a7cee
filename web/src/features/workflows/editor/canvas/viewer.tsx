import { useReactFlow, useStore } from "@xyflow/react";
import { useEffect, useRef } from "react";

const ROOM = 20;
const SMALLEST = 0.7;

/** Shows the beginning at first: the whole flow where it is legible then, else its upper part. */
function useFirstView(): void {
  const { getNodes, getNodesBounds, setViewport } = useReactFlow();
  const { width, height } = useStore(sizeOf, shallow);
  const isDone = useRef(false);
  useEffect(() => {
    if (isDone.current || width === 0 || height === 0) return;
    isDone.current = true;
    const flow = getNodesBounds(getNodes().filter(({ parentId }) => parentId === undefined));
    const whole = Math.min((width - 2 * ROOM) / flow.width, (height - 2 * ROOM) / flow.height);
    const across = (width - 2 * ROOM) / flow.width;
    const zoom = Math.min(1, Math.max(SMALLEST, whole >= SMALLEST ? whole : across));
    const x = Math.max(ROOM, (width - flow.width * zoom) / 2) - flow.x * zoom;
    void setViewport({ x, y: ROOM - flow.y * zoom, zoom });
  }, [width, height, getNodes, getNodesBounds, setViewport]);
}

const sizeOf = ({ width, height }: { width: number; height: number }) => ({ width, height });
const shallow = (one: { width: number; height: number }, other: { width: number; height: number }) =>
  one.width === other.width && one.height === other.height;

/** Brings the active task into view when it is not. */
export function Viewer({ active }: { active: string | undefined }) {
  useFirstView();
  const { getInternalNode, getViewport, setViewport, getNodesBounds } = useReactFlow();
  useEffect(() => {
    if (active === undefined || !getInternalNode(active)) return;
    const box = document.querySelector(".react-flow")?.getBoundingClientRect();
    if (!box) return;
    const { x, y, zoom } = getViewport();
    const { x: left, y: top, width, height } = getNodesBounds([active]);
    const room = 24;
    const seen = { left: left * zoom + x, top: top * zoom + y };
    const right = seen.left + width * zoom;
    const bottom = seen.top + Math.min(height * zoom, box.height - 2 * room);
    const aside = seen.left < room ? room - seen.left : Math.min(0, box.width - room - right);
    const down = seen.top < room ? room - seen.top : Math.min(0, box.height - room - bottom);
    if (aside !== 0 || down !== 0) void setViewport({ x: x + aside, y: y + down, zoom });
  }, [active, getInternalNode, getViewport, setViewport, getNodesBounds]);
  return null;
}
