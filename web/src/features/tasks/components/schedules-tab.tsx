import ClockCircleOutlined from "@ant-design/icons/ClockCircleOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button } from "antd";
import { useSearchParams } from "react-router";

import { withParts } from "@/shared/address";
import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListSchedulesInfiniteQuery } from "../api/list-schedules";
import { momentIn } from "../logic/moments";
import { whenOf } from "../logic/schedule";
import { AddScheduleDrawer } from "./add-schedule-drawer";
import { ScheduleDrawer } from "./schedule-drawer";
import { ScheduleState } from "./schedule-state";
import styles from "./tasks.module.css";

type Schedule = Schemas["Schedule"];

const words = texts.tasks.schedules;

/** What is ordered again and again: when it runs next, and its switch. */
export function SchedulesTab() {
  const [query, setQuery] = useSearchParams();
  const pages = useListSchedulesInfiniteQuery();
  const mayChange = useMay("operator");
  const close = () => setQuery(withParts(query, { schedule: undefined, add: undefined }));
  const open = (name: string) => setQuery(withParts(query, { schedule: name, add: undefined }));
  const add = (
    <Button icon={<PlusOutlined />} onClick={() => setQuery(withParts(query, { add: "" }))}>
      {words.add}
    </Button>
  );
  const isEmpty = rowsOf(pages.data).length === 0;
  return (
    <div className={styles["stack"]}>
      {mayChange && !isEmpty && <div className={styles["bar"]}>{add}</div>}
      <CursorTable
        label={words.table}
        columns={COLUMNS}
        rows={rowsOf(pages.data)}
        rowKey={({ name }) => name}
        pages={pages}
        empty={
          <EmptyState
            icon={<ClockCircleOutlined />}
            title={words.none}
            next={words.noneNext}
            action={mayChange && add}
          />
        }
        onOpen={({ name }) => open(name)}
      />
      <ScheduleDrawer name={query.get("schedule") ?? undefined} onClose={close} />
      {mayChange && <AddScheduleDrawer isOpen={query.has("add")} onClose={close} onAdded={open} />}
    </div>
  );
}

const COLUMNS: Column<Schedule>[] = [
  { key: "state", title: words.state, width: "96px", render: (one) => <ScheduleState schedule={one} /> },
  {
    key: "name",
    title: words.name,
    width: "minmax(120px, 1.2fr)",
    render: ({ name }) => <strong title={name}>{name}</strong>,
  },
  {
    key: "function",
    title: words.function,
    width: "minmax(130px, 1.2fr)",
    render: (one) => <code title={one.function}>{one.function}</code>,
  },
  {
    key: "when",
    title: words.when,
    width: "minmax(120px, 1.2fr)",
    render: (one) => <span title={`${whenOf(one)} (${one.timezone})`}>{whenOf(one)}</span>,
  },
  {
    key: "next",
    title: words.next,
    width: "minmax(190px, 1.6fr)",
    render: ({ next_at: at, timezone }) =>
      at !== null && <span title={timezone}>{momentIn(at, timezone, true)}</span>,
  },
  {
    key: "last",
    title: words.last,
    width: "minmax(122px, 0.8fr)",
    render: ({ last_at: at }) => <TimeAgo at={at} />,
  },
];
