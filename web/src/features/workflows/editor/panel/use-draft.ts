import { useState } from "react";

/** What is typed, until another value comes from outside. `text` is the value's own text. */
export function useDraft(text: string): [string, (draft: string, gives: string | undefined) => void] {
  const [state, setState] = useState({ draft: text, text });
  const isMine = state.text === text;
  const shown = isMine ? state.draft : text;
  return [shown, (draft, gives) => setState({ draft, text: gives ?? text })];
}
