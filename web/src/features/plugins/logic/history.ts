import type { InputMode } from "./input";

/** A call that was made on this visit. */
export interface PastCall {
  id: number;
  /** Seconds since the epoch. */
  at: number;
  function: string;
  isOk: boolean;
  /** Milliseconds; null when the host does not say. */
  timeMs: number | null;
  /** What was given, to begin with again; undefined for files and what is too long. */
  input: { mode: InputMode; value: unknown } | undefined;
  preview: string;
}

const MOST = 20;
const MOST_PREVIEW = 120;
const MOST_KEPT = 20_000;

/** The calls with one more, the newest first and no more than one looks through. */
export function withCall(past: readonly PastCall[], call: Omit<PastCall, "id">): PastCall[] {
  const id = (past[0]?.id ?? 0) + 1;
  return [{ ...call, id }, ...past].slice(0, MOST);
}

/** How an input is shown in a line of the list. */
export function preview(text: string): string {
  const line = text.slice(0, MOST_PREVIEW).replace(/\s+/g, " ");
  return text.length > MOST_PREVIEW ? `${line}…` : line;
}

/** Whether an input is small enough to be kept. */
export function isKept(text: string): boolean {
  return text.length <= MOST_KEPT;
}
