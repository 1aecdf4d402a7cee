import type { Schemas } from "@/shared/api/types";

type Frame = Schemas["LogFrame"];

export interface LogLine {
  /** Counts up, so that lines can be told apart. */
  id: number;
  at: number;
  level: string;
  message: string;
  /** Lines that the host left out before this one. */
  dropped: number;
}

export const MOST_LINES = 2000;

/** The last lines of a log; what is older is only counted. */
export class LogBuffer {
  lines: readonly LogLine[] = [];
  /** Lines that came too fast for the host to send. */
  dropped = 0;
  /** Lines that were here and had to make room. */
  forgotten = 0;
  private next = 0;
  /** When the last line that was cleared came. */
  private cleared = 0;
  /** What was known when the connection was lost: the host sends its last lines once more. */
  private known: readonly LogLine[] | undefined;

  add(frames: readonly Frame[]): void {
    const fresh = frames.filter((frame) => this.isNew(frame));
    const added = fresh.map(({ at, level, message, dropped }) => {
      this.dropped += dropped;
      return { id: this.next++, at, level, message, dropped };
    });
    const all = [...this.lines, ...added];
    const over = Math.max(0, all.length - MOST_LINES);
    this.forgotten += over;
    this.lines = over > 0 ? all.slice(over) : all;
  }

  clear(): void {
    // What was cleared must not come again with the next connection.
    const last = this.lines.at(-1);
    this.cleared = last ? Math.max(this.cleared, last.at) : this.cleared;
    this.lines = [];
    this.dropped = 0;
    this.forgotten = 0;
  }

  /** From here on lines may come a second time. */
  reconnected(): void {
    this.known = this.lines;
  }

  private isNew({ at, level, message }: Frame): boolean {
    if (this.known === undefined) return true;
    const last = Math.max(this.known.at(-1)?.at ?? 0, this.cleared);
    if (at > last) {
      this.known = undefined;
      return true;
    }
    if (at < last || at <= this.cleared) return false;
    return !this.known.some((line) => line.at === at && line.level === level && line.message === message);
  }
}

/** A frame as the host sends it, or nothing for what is none. */
export function asFrame(value: unknown): Frame | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { at, level, message, dropped } = value as Partial<Frame>;
  const isFrame = typeof at === "number" && typeof level === "string" && typeof message === "string";
  if (!isFrame) return undefined;
  return { plugin: "", at, level, message, dropped: typeof dropped === "number" ? dropped : 0 };
}
