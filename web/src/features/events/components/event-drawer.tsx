import DownOutlined from "@ant-design/icons/DownOutlined";
import FilterOutlined from "@ant-design/icons/FilterOutlined";
import UpOutlined from "@ant-design/icons/UpOutlined";
import { Button, Drawer } from "antd";

import { locale } from "@/shared/language/language";
import type { LiveEvent } from "@/shared/live/live-provider";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { EmptyState } from "@/shared/ui/empty-state";
import { JsonView } from "@/shared/ui/json-view";
import { TimeAgo } from "@/shared/ui/time-ago";

import type { LogRow } from "../logic/event-log";
import styles from "./events.module.css";

interface Props {
  /** Of the event that is open; nothing is open without one. */
  id: string | undefined;
  rows: readonly LogRow[];
  onOpen: (id: string) => void;
  onTopic: (topic: string) => void;
  onClose: () => void;
}

const words = texts.events;
const EXACT = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "long" });

/** All that one event says, and the way to its neighbours in the list. */
export function EventDrawer({ id, rows, onOpen, onTopic, onClose }: Props) {
  const events = id === undefined ? [] : rows.filter((row) => row.kind === "event");
  const place = events.findIndex(({ order }) => order === id);
  const newer = events[place - 1]?.order;
  const older = place < 0 ? undefined : events[place + 1]?.order;
  const event = events[place]?.event;
  return (
    <Drawer
      open={id !== undefined}
      title={words.event}
      size={Math.min(600, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
      extra={
        <>
          <Button
            type="text"
            icon={<UpOutlined />}
            aria-label={words.newer}
            title={words.newer}
            disabled={newer === undefined}
            onClick={() => newer !== undefined && onOpen(newer)}
          />
          <Button
            type="text"
            icon={<DownOutlined />}
            aria-label={words.older}
            title={words.older}
            disabled={older === undefined}
            onClick={() => older !== undefined && onOpen(older)}
          />
        </>
      }
    >
      {event ? (
        <Content event={event} onTopic={onTopic} />
      ) : (
        <EmptyState title={words.notLoaded} next={words.notLoadedNext} />
      )}
    </Drawer>
  );
}

function Content({ event, onTopic }: { event: LiveEvent; onTopic: (topic: string) => void }) {
  const isEmpty = event.data === null || event.data === undefined;
  return (
    <div className={styles["drawer"]}>
      <div>
        <h2>
          <code>{event.topic}</code>
        </h2>
        <Button size="small" icon={<FilterOutlined />} onClick={() => onTopic(event.topic)}>
          {words.only(event.topic)}
        </Button>
      </div>
      <dl className={styles["facts"]}>
        <dt>{words.at}</dt>
        <dd>
          {EXACT.format(new Date(event.at * 1000))} (<TimeAgo at={event.at} />)
        </dd>
        <dt>{words.source}</dt>
        <dd>{event.source}</dd>
        <dt>{words.id}</dt>
        <dd>
          <code>{event.id}</code>
          <CopyButton text={event.id} label={words.copyId} />
        </dd>
      </dl>
      {isEmpty ? (
        <p className={styles["hint"]}>{words.noData}</p>
      ) : (
        <JsonView value={event.data} label={words.data} maxHeight={520} />
      )}
    </div>
  );
}
