import { Tooltip } from "antd";

import { locale } from "@/shared/language/language";
import { useNow } from "@/shared/hooks/use-now";
import { texts } from "@/shared/texts";

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const RELATIVE = new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "long" });
const EXACT = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });

/** `2 minutes ago` or `in 3 hours`; `at` and `now` in seconds since the epoch. */
export function relative(at: number, now: number): string {
  const seconds = at - now;
  if (Math.abs(seconds) < 5) return texts.common.justNow;
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ["second", 1];
  return RELATIVE.format(Math.round(seconds / size), unit);
}

interface Props {
  /** Seconds since the epoch, as the API gives it; null is never. */
  at: number | null | undefined;
}

/** A time as one thinks of it, with the exact one in a tooltip. */
export function TimeAgo({ at }: Props) {
  const now = useNow();
  if (at === null || at === undefined) return <>{texts.common.never}</>;
  const date = new Date(at * 1000);
  if (Number.isNaN(date.getTime())) return <>{String(at)}</>;
  return (
    <Tooltip title={EXACT.format(date)} mouseEnterDelay={0.3}>
      <time dateTime={date.toISOString()}>{relative(at, now / 1000)}</time>
    </Tooltip>
  );
}
