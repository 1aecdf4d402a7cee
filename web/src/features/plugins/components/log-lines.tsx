import { useVirtualizer } from "@tanstack/react-virtual";
import { Button } from "antd";
import { useEffect, useRef, useState } from "react";

import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";

import type { LogLine } from "../logic/log-buffer";
import styles from "./logs.module.css";

const words = texts.plugins.care;
const CLOCK = new Intl.DateTimeFormat(locale, {
  ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 },
});
const EXACT = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const NEAR_PX = 40;

/** Lines of a log; only those that are seen are drawn. At its end it goes on with what comes. */
export function LogLines({ lines, isPaused }: { lines: readonly LogLine[]; isPaused: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing here is compiled by React's compiler
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => 26,
    overscan: 12,
    getItemKey: (index) => lines[index]?.id ?? index,
  });
  const last = lines.at(-1)?.id;
  useEffect(() => {
    if (isAtEnd && !isPaused) virtual.scrollToIndex(lines.length - 1, { align: "end" });
  }, [virtual, isAtEnd, isPaused, last, lines.length]);
  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX);
  };
  const toEnd = () => {
    virtual.scrollToIndex(lines.length - 1, { align: "end" });
    setAtEnd(true);
  };
  return (
    <div className={styles["frame"]}>
      {/* Keyboards can scroll it only when it takes the focus. Read aloud, lines would never end. */}
      <div
        ref={box}
        className={styles["lines"]}
        role="log"
        aria-live="off"
        aria-label={words.logs}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={onScroll}
      >
        <div className={styles["all"]} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => {
            const line = lines[item.index];
            return (
              line && (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className={styles["line"]}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <Line line={line} />
                </div>
              )
            );
          })}
        </div>
      </div>
      {!isAtEnd && (
        <Button className={styles["end"] ?? ""} onClick={toEnd}>
          {words.toEnd}
        </Button>
      )}
    </div>
  );
}

function Line({ line: { at, level, message, dropped } }: { line: LogLine }) {
  const date = new Date(at * 1000);
  const isDate = !Number.isNaN(date.getTime());
  return (
    <>
      <time title={isDate ? EXACT.format(date) : ""}>{isDate ? CLOCK.format(date) : "–"}</time>
      <span className={styles["tag"]} data-level={level}>
        {level}
      </span>
      <span className={styles["message"]}>
        {dropped > 0 && <em>{words.dropped(dropped)} </em>}
        {message}
      </span>
    </>
  );
}
