/** Texts one after the other; undo gives the very text that was there. */
export interface History {
  past: readonly string[];
  text: string;
  future: readonly string[];
  /** When it was typed last, so that a word is one step back and not each letter. */
  typedAt: number;
}

const MOST = 200;
const PAUSE_MS = 800;

export function begun(text: string): History {
  return { past: [], text, future: [], typedAt: -PAUSE_MS };
}

export function changed(history: History, text: string): History {
  if (text === history.text) return history;
  return { past: [...history.past, history.text].slice(-MOST), text, future: [], typedAt: -PAUSE_MS };
}

/** As `changed`, but what is typed without a pause is one step. */
export function typed(history: History, text: string, now: number): History {
  if (text === history.text) return history;
  if (now - history.typedAt < PAUSE_MS) return { ...history, text, future: [], typedAt: now };
  return { ...changed(history, text), typedAt: now };
}

export function undone(history: History): History {
  const text = history.past[history.past.length - 1];
  if (text === undefined) return history;
  return {
    past: history.past.slice(0, -1),
    text,
    future: [history.text, ...history.future],
    typedAt: -PAUSE_MS,
  };
}

export function redone(history: History): History {
  const [text, ...future] = history.future;
  if (text === undefined) return history;
  return { past: [...history.past, history.text], text, future, typedAt: -PAUSE_MS };
}
