import { useEffect, useRef } from "react";

import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";
import { useTheme } from "@/shared/theme/theme-provider";

import styles from "./line-chart.module.css";
import type { Line } from "./plot";

interface Props {
  /** What the chart shows, for who cannot see it. */
  label: string;
  /** Seconds since the epoch, rising. */
  times: number[];
  lines: Line[];
  height?: number;
}

const NUMBER = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });

/** Lines over time with a legend, and in words for who cannot see them. What draws it is loaded when it is needed. */
export function LineChart({ label, times, lines, height = 200 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const { palette } = useTheme();
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let end: (() => void) | undefined;
    let isOver = false;
    void import("./plot").then(({ draw }) => {
      if (isOver) return;
      const plot = draw(element, times, lines, palette, height);
      const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
      watch.observe(element);
      end = () => {
        watch.disconnect();
        plot.destroy();
      };
    });
    return () => {
      isOver = true;
      end?.();
    };
  }, [times, lines, palette, height]);
  const words = lines.map((line) =>
    texts.common.chart(line.label, shown(line.values.at(-1)), shown(most(line.values))),
  );
  return (
    <figure className={styles["chart"]}>
      <ul className={styles["legend"]} aria-hidden>
        {lines.map((line) => (
          <li key={line.label} data-tone={line.tone}>
            {line.label}
          </li>
        ))}
      </ul>
      <div ref={box} role="img" aria-label={`${label}. ${words.join("; ")}.`} style={{ height }} />
    </figure>
  );
}

function most(values: (number | null)[]): number {
  return values.reduce<number>((highest, value) => Math.max(highest, value ?? 0), 0);
}

function shown(value: number | null | undefined): string {
  return NUMBER.format(value ?? 0);
}
