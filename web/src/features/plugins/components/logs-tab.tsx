import { useDeferredValue, useMemo } from "react";
import { useSearchParams } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";

import { MOST_LINES } from "../logic/log-buffer";
import { useLogStream } from "../use-log-stream";
import { LogLines } from "./log-lines";
import { LogTools } from "./log-tools";
import styles from "./logs.module.css";

const words = texts.plugins.care;
const LOWEST = "trace";

/** What the plugin logs, as it happens. Level and search are in the address. */
export function LogsTab({ plugin }: { plugin: string }) {
  const [params, setParams] = useSearchParams();
  const wanted = params.get("level") ?? LOWEST;
  const level = Object.hasOwn(words.levels, wanted) ? wanted : LOWEST;
  const text = params.get("q") ?? "";
  const stream = useLogStream(plugin, level);
  const { lines, dropped, forgotten } = stream.view;
  const looked = useDeferredValue(text.trim().toLowerCase());
  const shown = useMemo(
    () => (looked === "" ? lines : lines.filter((line) => line.message.toLowerCase().includes(looked))),
    [lines, looked],
  );
  const change = (name: string, value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before);
        if (value === "" || value === LOWEST) next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  return (
    <section className={styles["logs"]} aria-label={words.logs}>
      <LogTools
        stream={stream}
        level={level}
        text={text}
        onLevel={(value) => change("level", value)}
        onText={(value) => change("q", value)}
      />
      {shown.length > 0 ? (
        <LogLines lines={shown} isPaused={stream.isPaused} />
      ) : (
        <div className={styles["none"]}>
          <EmptyState
            title={lines.length === 0 && level === LOWEST ? words.noLines : words.noneFound}
            next={lines.length === 0 && level === LOWEST ? words.noLinesNext : words.noneFoundNext}
          />
        </div>
      )}
      <p className={styles["foot"]}>
        {shown.length === lines.length
          ? words.lines(lines.length)
          : words.linesOf(shown.length, lines.length)}
        {dropped > 0 && <span className={styles["warn"]}>{words.dropped(dropped)}</span>}
        {forgotten > 0 && <span>{words.forgotten(forgotten, MOST_LINES)}</span>}
      </p>
    </section>
  );
}
