import type { LiveEvent } from "@/shared/live/live-provider";

/** A time without a connection; `to` is null while it lasts. */
export interface Gap {
  from: number;
  to: number | null;
  /** More happened than was read afterwards. */
  isLost: boolean;
}

/** A line of the list. Ids of events begin with their time, so that they sort as the events came. */
export type LogRow =
  { kind: "event"; order: string; event: LiveEvent } | { kind: "gap"; order: string; gap: Gap };

/** What is known, newest first. `next` is where older ones begin: null at the end, undefined before the first page. */
export interface EventLog {
  rows: readonly LogRow[];
  next: string | null | undefined;
  /** Rows made room for newer ones. */
  isCut: boolean;
}

export const EMPTY: EventLog = { rows: [], next: undefined, isCut: false };
export const MOST_ROWS = 10_000;

export function rowOf(event: LiveEvent): LogRow {
  return { kind: "event", order: event.id, event };
}

/** The log with more events, wherever they belong; those that it has are no second time in it. */
export function withEvents(log: EventLog, events: readonly LiveEvent[]): EventLog {
  const known = new Set(log.rows.map(({ order }) => order));
  const fresh = events.filter(({ id }) => !known.has(id)).map(rowOf);
  if (fresh.length === 0) return log;
  const rows = [...fresh, ...log.rows].sort(newestFirst);
  if (rows.length <= MOST_ROWS) return { ...log, rows };
  const kept = rows.slice(0, MOST_ROWS);
  const last = kept.findLast(({ kind }) => kind === "event");
  return { rows: kept, next: last?.order ?? null, isCut: true };
}

/** The log with an older page. */
export function withPage(log: EventLog, events: readonly LiveEvent[], next: string | null): EventLog {
  return withEvents({ ...log, next }, events);
}

/** The log when the connection is lost. */
export function withLoss(log: EventLog, at: number): EventLog {
  if (openGap(log)) return log;
  // Behind `~` sorts what no id has: after the last event that came, before all that will come.
  const order = `${log.rows.find(({ kind }) => kind === "event")?.order ?? ""}~`;
  const gap: LogRow = { kind: "gap", order, gap: { from: at, to: null, isLost: false } };
  return { ...log, rows: [gap, ...log.rows.filter((row) => row.order !== order)] };
}

/** The log when it is back: with what the host kept meanwhile, of which `isWhole` says whether it is all. */
export function withReturn(
  log: EventLog,
  at: number,
  events: readonly LiveEvent[],
  isWhole: boolean,
): EventLog {
  const open = openGap(log);
  const merged = withEvents(log, events);
  if (!open) return merged;
  const oldest = events.at(-1)?.id ?? "~";
  const isLost = !isWhole && oldest > open.order;
  const closed: LogRow = { ...open, gap: { ...open.gap, to: at, isLost } };
  return { ...merged, rows: merged.rows.map((row) => (row.order === open.order ? closed : row)) };
}

function openGap(log: EventLog): Extract<LogRow, { kind: "gap" }> | undefined {
  for (const row of log.rows) if (row.kind === "gap" && row.gap.to === null) return row;
  return undefined;
}

function newestFirst(one: LogRow, other: LogRow): number {
  if (one.order === other.order) return 0;
  return one.order < other.order ? 1 : -1;
}
