import { useEffect, useRef } from "react";

/** Keys by how they are written: `mod+k` (Ctrl or Cmd), `mod+shift+z`, `?`, `Escape`, and pairs such as `g h`. */
export type Hotkeys = Record<string, () => void>;

const PAIR_MS = 1000;

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Listens while the component is shown. Keys without `mod` are for the page only when nobody types. */
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
      if (!isMod && isTyping(event.target)) return;
      const shift = event.shiftKey ? "shift+" : "";
      const key = isMod ? `mod+${shift}${event.key.toLowerCase()}` : event.key;
      const pair = event.timeStamp - before.at < PAIR_MS ? `${before.key} ${key}` : "";
      before = { key, at: event.timeStamp };
      const action = latest.current[pair] ?? latest.current[key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
