import { useEffect, useReducer, useRef, useState } from "react";

import { type LiveEvent, useLiveEvents, useLiveState } from "@/shared/live/live-provider";
import type { Pages } from "@/shared/ui/cursor-table/cursor-table";

import { useLazyListEventsQuery } from "./api/list-events";
import {
  EMPTY,
  type EventLog,
  MOST_ROWS,
  withEvents,
  withLoss,
  withPage,
  withReturn,
} from "./logic/event-log";
import { covers } from "./logic/pattern";

const DRAW_MS = 150; // however fast events come, they are drawn a few times a second

type Change = (log: EventLog) => EventLog;

export interface EventStream {
  log: EventLog;
  pages: Pages;
  /** Events that came while it is held. */
  held: readonly LiveEvent[];
}

/**
 * The events of a pattern: those kept by the host, then each one as it comes. While it is held, what comes waits
 * beside the list. Give the component another `key` for another pattern.
 */
export function useEventLog(topic: string, isHeld: boolean): EventStream {
  const [log, change] = useReducer((before: EventLog, by: Change) => by(before), EMPTY);
  const [ask] = useLazyListEventsQuery();
  const [error, setError] = useState<unknown>();
  const [isAsking, setAsking] = useState(false);
  const { waiting, take } = useArrivals(topic);
  const isReading = useRef(false);

  if (!isHeld && waiting.length > 0) {
    change((before) => withEvents(before, waiting));
    take();
  }

  const read = async (cursor: string | null) => {
    if (isReading.current) return;
    isReading.current = true;
    setAsking(true);
    const answer = await ask({ topic, cursor });
    isReading.current = false;
    setAsking(false);
    setError(answer.error);
    if (answer.data) {
      const { items, next } = answer.data;
      change((before) => withPage(before, items, next));
    }
  };
  const first = useRef(() => read(null));
  useEffect(() => void first.current(), []);

  useGaps(topic, change);
  const isFull = log.rows.length >= MOST_ROWS;
  return {
    log,
    held: waiting,
    pages: {
      isLoading: log.next === undefined && !error,
      isFetchingNextPage: isAsking && log.next !== undefined,
      hasNextPage: typeof log.next === "string" && !isFull,
      ...(error !== undefined && { error }),
      fetchNextPage: () => void read(log.next ?? null),
      refetch: () => void read(null),
    },
  };
}

/** Events that have come and are not in the list yet. */
function useArrivals(topic: string) {
  const [waiting, setWaiting] = useState<readonly LiveEvent[]>([]);
  const coming = useRef<LiveEvent[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLiveEvents((event) => {
    if (!covers(topic, event.topic)) return;
    coming.current.push(event);
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      const come = coming.current;
      coming.current = [];
      setWaiting((before) => [...before, ...come].slice(-MOST_ROWS));
    }, DRAW_MS);
  });
  useEffect(() => () => clearTimeout(timer.current), []);
  return { waiting, take: () => setWaiting([]) };
}

/** Marks times without a connection, and reads what the host kept of them. */
function useGaps(topic: string, change: (by: Change) => void): void {
  const state = useLiveState();
  const [ask] = useLazyListEventsQuery();
  const wasLost = useRef(false);
  const isBehind = useRef(state !== "connected"); // the list may have been read before events came
  useEffect(() => {
    const now = Date.now() / 1000;
    if (state === "reconnecting") {
      isBehind.current = true;
      if (!wasLost.current) change((before) => withLoss(before, now));
      wasLost.current = true;
    }
    if (state !== "connected" || !isBehind.current) return;
    isBehind.current = false;
    wasLost.current = false;
    void ask({ topic, cursor: null }).then(({ data }) =>
      change((before) => withReturn(before, now, data?.items ?? [], data?.next === null)),
    );
  }, [state, topic, ask, change]);
}
