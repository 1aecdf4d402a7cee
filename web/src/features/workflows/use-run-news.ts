import { useEffect, useRef, useState } from "react";
import { useDispatch } from "react-redux";

import { api } from "@/shared/api/base-api";
import { Batch } from "@/shared/live/batch";
import { useLiveEvents } from "@/shared/live/live-provider";
import { ReconnectingSocket, socketUrl } from "@/shared/live/reconnecting-socket";

import { isOfRun, seqOf } from "./logic/news";

const EVERY_MS = 250; // however fast steps end, so often is read and drawn
const DEAF_MS = 2000;
const OTHERS_MS = 10_000; // of a run on another host nothing is heard here

type News = "run" | "open";

export interface RunNews {
  /** The newest row that was heard of. */
  seq: number;
  /** How often to ask all the same. */
  pollingMs: number;
}

/**
 * Follows a run while it goes on: what it waits for is read again with each step, and the run itself with each change of
 * its state. Nothing is followed without a run.
 */
export function useRunNews(run: string | undefined): RunNews {
  const dispatch = useDispatch();
  const [newest, setNewest] = useState({ run, seq: 0 });
  const [isHeard, setHeard] = useState(false);
  const batch = useRef<Batch<News>>(undefined);
  useEffect(() => {
    if (run === undefined) return;
    let seq = 0;
    const news = new Batch<News>(EVERY_MS, (all) => {
      setNewest({ run, seq });
      dispatch(api.util.invalidateTags(all.map((one) => ({ type: "Run", id: `${one}/${run}` }))));
    });
    batch.current = news;
    const socket = new ReconnectingSocket({
      url: () => socketUrl("/ws", { topic: "workflow.step.*", run }),
      onFrame: (frame) => {
        const found = seqOf(frame, run);
        if (found === undefined) return;
        seq = Math.max(seq, found);
        news.add(["open"]);
      },
      onState: (state) => {
        setHeard(state === "connected");
        if (state === "connected") news.add(["run", "open"]); // nobody knows what was missed
      },
    });
    return () => {
      socket.close();
      news.stop();
    };
  }, [run, dispatch]);
  useLiveEvents((event) => {
    if (run !== undefined && isOfRun(event, run)) batch.current?.add(["run", "open"]);
  });
  return { seq: newest.run === run ? newest.seq : 0, pollingMs: isHeard ? OTHERS_MS : DEAF_MS };
}
