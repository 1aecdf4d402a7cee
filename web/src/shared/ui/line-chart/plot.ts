import "uplot/dist/uPlot.min.css";

import uPlot from "uplot";

import { locale } from "@/shared/language/language";
import type { Palette } from "@/shared/theme/palette";

export interface Line {
  label: string;
  values: (number | null)[];
  tone: "accent" | "bad" | "good" | "warn";
}

const CLOCK = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });

/** Draws lines over seconds since the epoch into an element. */
export function draw(
  into: HTMLElement,
  times: number[],
  lines: Line[],
  palette: Palette,
  height: number,
): uPlot {
  const axis: uPlot.Axis = {
    stroke: palette.muted,
    font: "12px system-ui, sans-serif",
    grid: { stroke: palette.line, width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
  const options: uPlot.Options = {
    width: into.clientWidth,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(4, most * 1.1)] } },
    axes: [
      {
        ...axis,
        size: 30,
        grid: { show: false },
        values: (_plot, at) => at.map((one) => CLOCK.format(one * 1000)),
      },
      { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: line.tone === "accent" ? palette.link : palette[line.tone],
        width: 2,
        points: { show: false },
        ...(line.tone === "accent" && { fill: `${palette.link}1c` }),
      })),
    ],
  };
  return new uPlot(options, [times, ...lines.map((line) => line.values)], into);
}
