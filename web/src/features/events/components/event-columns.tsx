import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";
import type { Column } from "@/shared/ui/cursor-table/cursor-table";
import { TimeAgo } from "@/shared/ui/time-ago";

import type { Gap, LogRow } from "../logic/event-log";
import { preview } from "../logic/preview";
import styles from "./events.module.css";

const CLOCK = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const words = texts.events;

export const COLUMNS: Column<LogRow>[] = [
  {
    key: "at",
    title: words.columns.at,
    width: "116px",
    render: (row) => <TimeAgo at={row.kind === "gap" ? row.gap.from : row.event.at} />,
  },
  {
    key: "topic",
    title: words.columns.topic,
    width: "minmax(190px, 1.4fr)",
    render: (row) =>
      row.kind === "gap" ? (
        <GapTitle gap={row.gap} />
      ) : (
        <code title={row.event.topic}>{row.event.topic}</code>
      ),
  },
  {
    key: "source",
    title: words.columns.source,
    width: "minmax(90px, 0.6fr)",
    render: (row) => row.kind === "event" && row.event.source,
  },
  {
    key: "data",
    title: words.columns.data,
    width: "minmax(180px, 2fr)",
    render: (row) => {
      if (row.kind === "event") return <span className={styles["data"]}>{preview(row.event.data)}</span>;
      if (row.gap.to === null) return null;
      const text = row.gap.isLost ? words.gapLost : words.gapRead;
      return <span title={text}>{text}</span>;
    },
  },
];

function GapTitle({ gap }: { gap: Gap }) {
  const from = CLOCK.format(gap.from * 1000);
  const title = gap.to === null ? words.stillGap(from) : words.gap(from, CLOCK.format(gap.to * 1000));
  return (
    <strong className={styles["gap"]} title={title}>
      {title}
    </strong>
  );
}
