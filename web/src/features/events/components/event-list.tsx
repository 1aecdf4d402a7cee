import ThunderboltOutlined from "@ant-design/icons/ThunderboltOutlined";
import { Button } from "antd";
import { type UIEvent, useRef, useState } from "react";
import { useSearchParams } from "react-router";

import { texts } from "@/shared/texts";
import { CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";

import { type LogRow, MOST_ROWS } from "../logic/event-log";
import { ALL, isRoutine } from "../logic/pattern";
import { withParts } from "@/shared/address";
import { useEventLog } from "../use-event-log";
import { COLUMNS } from "./event-columns";
import { EventDrawer } from "./event-drawer";
import { EventTools } from "./event-tools";
import styles from "./events.module.css";

interface Props {
  topic: string;
  onTopic: (topic: string) => void;
}

const words = texts.events;

/** The events of a pattern, live and of the past. It stands still while it is paused or scrolled down. */
export function EventList({ topic, onTopic }: Props) {
  const [query, setQuery] = useSearchParams();
  const [isPaused, setPaused] = useState(false);
  const [isAtTop, setAtTop] = useState(true);
  const { log, pages, held } = useEventLog(topic, isPaused || !isAtTop);
  const box = useRef<HTMLDivElement>(null);
  const canHide = topic === ALL;
  const isHiding = canHide && query.get("routine") === null;
  const isShown = (name: string) => !isHiding || !isRoutine(name);
  const rows = log.rows.filter((row) => row.kind === "gap" || isShown(row.event.topic));
  const heldCount = held.filter((event) => isShown(event.topic)).length;

  const showHeld = () => {
    setPaused(false);
    setAtTop(true);
    box.current?.querySelector("[role=table]")?.scrollTo({ top: 0 });
  };
  const empty =
    topic === ALL ? (
      <EmptyState icon={<ThunderboltOutlined />} title={words.none} next={words.noneNext} />
    ) : (
      <EmptyState
        icon={<ThunderboltOutlined />}
        title={words.noMatch}
        next={words.noMatchNext}
        action={<Button onClick={() => onTopic(ALL)}>{words.clearFilter}</Button>}
      />
    );
  const onScroll = (event: UIEvent) => {
    if (event.target instanceof Element && event.target.getAttribute("role") === "table") {
      setAtTop(event.target.scrollTop < 4);
    }
  };
  return (
    <>
      <EventTools
        isPaused={isPaused}
        held={heldCount}
        isHiding={canHide ? isHiding : undefined}
        onPause={setPaused}
        onShowHeld={showHeld}
        onHide={(hide) => setQuery(withParts(query, { routine: hide ? undefined : "shown" }))}
      />
      <div ref={box} onScrollCapture={onScroll}>
        <CursorTable<LogRow>
          label={words.table}
          columns={COLUMNS}
          rows={rows}
          rowKey={({ order }) => order}
          pages={pages}
          empty={pages.hasNextPage ? <Loading rows={6} /> : empty}
          onOpen={(row) => row.kind === "event" && setQuery(withParts(query, { event: row.order }))}
        />
      </div>
      {(log.isCut || log.rows.length >= MOST_ROWS) && (
        <p className={styles["hint"]}>{words.bounded(MOST_ROWS)}</p>
      )}
      <EventDrawer
        id={query.get("event") ?? undefined}
        rows={rows}
        onOpen={(event) => setQuery(withParts(query, { event }), { replace: true })}
        onTopic={onTopic}
        onClose={() => setQuery(withParts(query, { event: undefined }))}
      />
    </>
  );
}
