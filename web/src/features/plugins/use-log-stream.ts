import { useEffect, useRef, useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { type LiveState, ReconnectingSocket, socketUrl } from "@/shared/live/reconnecting-socket";

import { asFrame, LogBuffer, type LogLine } from "./logic/log-buffer";

export interface LogView {
  lines: readonly LogLine[];
  dropped: number;
  forgotten: number;
}

interface LogStream {
  state: LiveState;
  view: LogView;
  /** Lines that came since it was paused. */
  held: number;
  isPaused: boolean;
  pause: (isPaused: boolean) => void;
  clear: () => void;
}

const EMPTY: LogView = { lines: [], dropped: 0, forgotten: 0 };
const DRAW_MS = 120; // however fast lines come, they are drawn a few times a second
const BEFORE = 1000;

/** The log of a plugin, live. While it is paused lines go on to come but what is shown stays. */
export function useLogStream(plugin: string, level: string): LogStream {
  const [state, setState] = useState<LiveState>("connecting");
  const [view, setView] = useState(EMPTY);
  const [held, setHeld] = useState(0);
  const [isPaused, setPaused] = useState(false);
  const buffer = useRef(new LogBuffer());
  const paused = useRef(false);
  const heldNow = useRef(0);

  const show = () => {
    const { lines, dropped, forgotten } = buffer.current;
    heldNow.current = 0;
    setHeld(0);
    setView({ lines, dropped, forgotten });
  };

  useEffect(() => {
    let waiting: Schemas["LogFrame"][] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wasLost = false;
    const draw = () => {
      timer = undefined;
      buffer.current.add(waiting);
      heldNow.current += waiting.length;
      waiting = [];
      if (paused.current) setHeld(heldNow.current);
      else show();
    };
    const socket = new ReconnectingSocket({
      url: () => socketUrl("/ws/logs", { plugin, level, lines: String(BEFORE) }),
      onFrame: (value) => {
        const frame = asFrame(value);
        if (!frame) return;
        waiting.push(frame);
        timer ??= setTimeout(draw, DRAW_MS);
      },
      onState: (now) => {
        setState(now);
        if (now === "connected" && wasLost) {
          if (waiting.length > 0) draw();
          buffer.current.reconnected();
        }
        wasLost = now === "reconnecting";
      },
    });
    return () => {
      socket.close();
      clearTimeout(timer);
      buffer.current = new LogBuffer();
      show();
    };
  }, [plugin, level]);

  const pause = (wanted: boolean) => {
    paused.current = wanted;
    setPaused(wanted);
    if (!wanted) show();
  };
  const clear = () => {
    buffer.current.clear();
    show();
  };
  return { state, view, held, isPaused, pause, clear };
}
