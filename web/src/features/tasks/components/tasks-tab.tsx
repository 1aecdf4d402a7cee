import OrderedListOutlined from "@ant-design/icons/OrderedListOutlined";
import { Button } from "antd";
import { useSearchParams } from "react-router";

import { withParts } from "@/shared/address";
import { texts } from "@/shared/texts";
import type { Column } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { filterOf, type TaskFilter } from "../logic/task-filter";
import { Attempts, OwnerName, type Task, Took } from "./task-cells";
import { TaskFilters } from "./task-filters";
import { TaskList } from "./task-list";
import styles from "./tasks.module.css";

/** Every task, newest first, of a state and an owner if one wants. */
export function TasksTab() {
  const [query, setQuery] = useSearchParams();
  const filter = filterOf(query);
  const show = ({ state, owner }: TaskFilter) => setQuery(withParts(query, { state, owner }));
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <div className={styles["stack"]}>
      <TaskFilters filter={filter} onFilter={show} />
      <TaskList
        label={texts.tasks.table}
        filter={filter}
        columns={COLUMNS}
        empty={
          isFiltered ? (
            <EmptyState
              title={texts.tasks.noMatch}
              next={texts.tasks.noMatchNext}
              action={<Button onClick={() => show({})}>{texts.tasks.showAll}</Button>}
            />
          ) : (
            <EmptyState icon={<OrderedListOutlined />} title={texts.tasks.none} next={texts.tasks.noneNext} />
          )
        }
      />
    </div>
  );
}

const words = texts.tasks.columns;
const COLUMNS: Column<Task>[] = [
  { key: "state", title: words.state, width: "112px", render: (task) => <StateTag state={task.state} /> },
  {
    key: "function",
    title: words.function,
    width: "minmax(150px, 2fr)",
    render: (task) => <code title={task.function}>{task.function}</code>,
  },
  {
    key: "owner",
    title: words.owner,
    width: "minmax(110px, 1fr)",
    render: (task) => <OwnerName owner={task.owner} />,
  },
  {
    key: "queue",
    title: words.queue,
    width: "minmax(80px, 0.8fr)",
    render: (task) => <span title={task.queue}>{task.queue}</span>,
  },
  { key: "attempts", title: words.attempts, width: "76px", render: (task) => <Attempts task={task} /> },
  {
    key: "created",
    title: words.created,
    width: "minmax(122px, 0.8fr)",
    render: (task) => <TimeAgo at={task.created_at} />,
  },
  { key: "took", title: words.took, width: "90px", render: (task) => <Took task={task} /> },
];
