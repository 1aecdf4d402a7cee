export type Repeat = "minutes" | "hourly" | "daily" | "weekdays" | "weekly" | "monthly";

export const REPEATS: readonly Repeat[] = ["minutes", "hourly", "daily", "weekdays", "weekly", "monthly"];

/** What the helper asks for. */
export interface CronParts {
  repeat: Repeat;
  /** Minutes between runs, or the minute of each hour. */
  minute: number;
  /** `08:30`. */
  time: string;
  /** 0 is Sunday. */
  weekday: number;
  /** Of the month. */
  day: number;
}

export const FIRST_PARTS: CronParts = { repeat: "daily", minute: 15, time: "08:00", weekday: 1, day: 1 };

/** The cron expression of what the helper asked for. */
export function cronOf({ repeat, minute, time, weekday, day }: CronParts): string {
  const [hours = "0", minutes = "0"] = time.split(":");
  const at = `${Number(minutes)} ${Number(hours)}`;
  switch (repeat) {
    case "minutes":
      return `*/${between(minute, 1, 59)} * * * *`;
    case "hourly":
      return `${between(minute, 0, 59)} * * * *`;
    case "daily":
      return `${at} * * *`;
    case "weekdays":
      return `${at} * * 1-5`;
    case "weekly":
      return `${at} * * ${between(weekday, 0, 6)}`;
    case "monthly":
      return `${at} ${between(day, 1, 31)} * *`;
  }
}

function between(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(value)));
}
