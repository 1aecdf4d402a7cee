import type { Schemas } from "@/shared/api/types";
import { count } from "@/shared/ui/units";

type Task = Schemas["Task"];

/** Seconds as one says them: `12 ms`, `3.4 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const size = Math.max(0, seconds);
  if (size < 0.9995) return `${Math.round(size * 1000)} ms`;
  if (size < 59.95) return `${count(size)} s`;
  const whole = Math.round(size);
  if (whole < 3600) return two(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(size / 60);
  if (minutes < 1440) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(size / 3600);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(large: number, unit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smallUnit}`;
}

/** How long its last attempt took, or has taken so far; undefined when it has not begun. */
export function tookS(task: Task, now: number): number | undefined {
  if (task.started_at === null) return undefined;
  if (task.state === "running") return now - task.started_at;
  return task.finished_at === null ? undefined : Math.max(0, task.finished_at - task.started_at);
}

/** What the host keeps of an error: the fact, and behind the first semicolon what to do about it. */
export function errorParts(error: string): { fact: string; remedy: string } {
  const at = error.indexOf("; ");
  return at < 0
    ? { fact: error, remedy: "" }
    : { fact: error.slice(0, at), remedy: error.slice(at + 2).trim() };
}
