/** How far the flow is moved, and how large it is seen. */
export interface View {
  x: number;
  y: number;
  zoom: number;
}

interface Size {
  width: number;
  height: number;
}

/** A place in the flow. */
export interface Area extends Size {
  x: number;
  y: number;
}

export const SMALLEST = 0.7;
const LEAST = 0.45;
const ROOM = 24;
/** The map and the buttons stand there. */
const FOOT = 84;

/** The view in which an area is seen, as near to the one before as it can be. */
export function viewOn(before: View, pane: Size, area: Area): View {
  const zoom = Math.min(before.zoom, Math.max(LEAST, (pane.width - 2 * ROOM) / area.width));
  const view = zoom === before.zoom ? before : zoomed(before, pane, zoom);
  return {
    x: view.x + into(area.x * zoom + view.x, area.width * zoom, pane.width),
    y:
      view.y +
      into(area.y * zoom + view.y, area.height * zoom, Math.max(pane.height - FOOT, pane.height / 2)),
    zoom,
  };
}

/** The view after the flow got another size: all of its breadth, where it can be read then. */
export function viewOf(before: View, pane: Size, flow: Size): View {
  const broad = (pane.width - 2 * ROOM) / flow.width;
  if (broad < SMALLEST) return before; // what is wanted of it is brought into view
  const zoom = Math.min(before.zoom, broad);
  const view = zoom === before.zoom ? before : zoomed(before, pane, zoom);
  const isSeen = view.x >= 0 && view.x + flow.width * zoom <= pane.width;
  return isSeen ? view : { ...view, x: (pane.width - flow.width * zoom) / 2 };
}

/** What is in the middle stays there. */
function zoomed({ x, y, zoom: before }: View, { width, height }: Size, zoom: number): View {
  const keep = (at: number, length: number) => length / 2 - ((length / 2 - at) / before) * zoom;
  return { x: keep(x, width), y: keep(y, height), zoom };
}

/** How far it is to be moved so that it is seen; of what is too long, its beginning. */
function into(from: number, length: number, most: number): number {
  if (from < ROOM) return ROOM - from;
  const end = from + Math.min(length, most - 2 * ROOM);
  return Math.min(0, most - ROOM - end);
}
