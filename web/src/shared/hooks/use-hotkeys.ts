import { useEffect, useRef } from "react";

/** Keys by how they are written: `mod+k` (Ctrl or Cmd), `mod+shift+z`, `?`, `Escape`, and pairs such as `g h`. */
export type Hotkeys = Record<string, () => void>;

const PAIR_MS = 1000;
type Listener = (event: KeyboardEvent) => void;
/** What was shown last hears first: a page before the frame around it. */
const listeners: Listener[] = [];

function hear(event: KeyboardEvent): void {
  for (const listener of listeners.toReversed()) listener(event);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

const isInDialog = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest("[role=dialog]") !== null;

/** Listens while the component is shown. Keys without `mod` are for the page, when nobody types and no dialog has them. */
export function useHotkeys(keys: Hotkeys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    let before = { key: "", at: -PAIR_MS };
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.altKey) return;
      const isMod = event.ctrlKey || event.metaKey;
      if (!isMod && (isTyping(event.target) || isInDialog(event.target))) return;
      const shift = event.shiftKey ? "shift+" : "";
      const key = isMod ? `mod+${shift}${event.key.toLowerCase()}` : event.key;
      const pair = event.timeStamp - before.at < PAIR_MS ? `${before.key} ${key}` : "";
      before = { key, at: event.timeStamp };
      const action = latest.current[pair] ?? latest.current[key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    if (listeners.length === 0) window.addEventListener("keydown", hear);
    listeners.push(onKey);
    return () => {
      listeners.splice(listeners.indexOf(onKey), 1);
      if (listeners.length === 0) window.removeEventListener("keydown", hear);
    };
  }, []);
}
