import { Button } from "antd";
import { type ReactNode, useRef, useState } from "react";
import { useSearchParams } from "react-router";

import { withParts } from "@/shared/address";
import { rowsOf } from "@/shared/api/cursor-pages";
import { useLiveEvents, useLiveState } from "@/shared/live/live-provider";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { Loading } from "@/shared/ui/loading";

import { FEW_PAGES, useListTasksInfiniteQuery } from "../api/list-tasks";
import type { TaskFilter } from "../logic/task-filter";
import type { Task } from "./task-cells";
import styles from "./tasks.module.css";

interface Props {
  label: string;
  filter: TaskFilter;
  columns: Column<Task>[];
  empty: ReactNode;
}

/** A list of tasks of any length. A short one follows what happens; a long one says that it is old and stays in place. */
export function TaskList({ label, filter, columns, empty }: Props) {
  const [query, setQuery] = useSearchParams();
  const pages = useListTasksInfiniteQuery(filter);
  const [isOld, setOld] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const isLong = (pages.data?.pages.length ?? 0) > FEW_PAGES;
  const isLost = useLiveState() === "reconnecting"; // nobody knows then what is missed
  if (isLong && isLost && !isOld) setOld(true);
  if (!isLong && isOld) setOld(false);
  useLiveEvents((event) => {
    if (isLong && event.topic.startsWith("task.")) setOld(true);
  });
  const showNewest = () => {
    box.current?.querySelector("[role=table]")?.scrollTo({ top: 0 });
    void pages.refetch({ refetchCachedPages: false });
  };
  return (
    <div ref={box} className={styles["stack"]}>
      {isOld && (
        <div className={styles["old"]} role="status">
          <span>{texts.tasks.changed}</span>
          <Button size="small" loading={pages.isFetching} onClick={showNewest}>
            {texts.tasks.showNewest}
          </Button>
        </div>
      )}
      <CursorTable
        label={label}
        columns={columns}
        rows={rowsOf(pages.data)}
        rowKey={(task) => task.id}
        pages={pages}
        empty={pages.hasNextPage ? <Loading rows={6} /> : empty}
        onOpen={({ id }) => setQuery(withParts(query, { task: id }))}
      />
    </div>
  );
}
