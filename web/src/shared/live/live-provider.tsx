import { createContext, type ReactNode, use, useEffect, useRef, useState } from "react";
import { useDispatch } from "react-redux";

import { api } from "@/shared/api/base-api";
import { type Tag, TAGS } from "@/shared/api/tags";

import { Batch } from "./batch";
import { type LiveState, ReconnectingSocket, socketUrl } from "./reconnecting-socket";
import { tagsOf } from "./topics";

/** An event as the host sends it. */
export interface LiveEvent {
  id: string;
  topic: string;
  source: string;
  at: number;
  data: unknown;
}

type Listener = (event: LiveEvent) => void;

interface Live {
  state: LiveState;
  isReady: boolean;
  listen: (listener: Listener) => () => void;
}

const LiveContext = createContext<Live>({ state: "closed", isReady: true, listen: () => () => undefined });
const EVERY_MS = 1000;
const PATIENCE_MS = 1000; // pages are shown without it then

/** Holds the one WebSocket of events, and has the cache read again what events make old. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const dispatch = useDispatch();
  const [state, setState] = useState<LiveState>("connecting");
  const [isReady, setReady] = useState(false);
  const [listeners] = useState(() => new Set<Listener>());

  useEffect(() => {
    const batch = new Batch<Tag>(EVERY_MS, (tags) => dispatch(api.util.invalidateTags(tags)));
    let isStale = false;
    const ready = () => {
      isStale = true; // until it is connected
      setReady(true);
    };
    const patience = setTimeout(ready, PATIENCE_MS);
    const socket = new ReconnectingSocket({
      url: () => socketUrl("/ws"),
      onRevoked: () => dispatch({ type: "session/lost" }), // another tab may have logged in: the next proof is its own
      onFrame: (frame) => {
        if (!isEvent(frame)) return;
        batch.add(tagsOf(frame.topic));
        for (const listener of listeners) listener(frame);
      },
      onState: (now) => {
        setState(now);
        if (now === "connecting") return;
        clearTimeout(patience);
        setReady(true);
        if (now === "connected" && isStale) batch.add(TAGS); // nobody knows what was missed
        isStale = now === "reconnecting";
      },
    });
    return () => {
      clearTimeout(patience);
      socket.close();
      batch.stop();
    };
  }, [dispatch, listeners]);

  const [live] = useState(() => ({
    listen: (listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  }));
  return <LiveContext value={{ state, isReady, listen: live.listen }}>{children}</LiveContext>;
}

/** Whether events come now. */
export function useLiveState(): LiveState {
  return use(LiveContext).state;
}

/** Whether pages may read: what happens afterwards makes old what they read. */
export function useLiveReady(): boolean {
  return use(LiveContext).isReady;
}

/** Calls `listener` with every event while the component is shown. */
export function useLiveEvents(listener: Listener): void {
  const { listen } = use(LiveContext);
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => listen((event) => latest.current(event)), [listen]);
}

function isEvent(frame: unknown): frame is LiveEvent {
  if (typeof frame !== "object" || frame === null) return false;
  const { id, topic, at } = frame as Partial<LiveEvent>;
  return typeof id === "string" && typeof topic === "string" && typeof at === "number";
}
