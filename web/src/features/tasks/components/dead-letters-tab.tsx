import CheckCircleOutlined from "@ant-design/icons/CheckCircleOutlined";
import ReloadOutlined from "@ant-design/icons/ReloadOutlined";
import { Button } from "antd";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import type { Column } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useRetryTaskMutation } from "../api/retry-task";
import type { TaskFilter } from "../logic/task-filter";
import { errorParts } from "../logic/timings";
import { RetryAll } from "./retry-all";
import { Attempts, OwnerName, type Task } from "./task-cells";
import { TaskList } from "./task-list";
import styles from "./tasks.module.css";

const FAILED: TaskFilter = { state: "failed" };

/** Tasks that failed for good, with the reason; each of them or all can be begun again. */
export function DeadLettersTab() {
  const mayRetry = useMay("operator");
  const [retry, { error, originalArgs, isLoading }] = useRetryTaskMutation();
  const action: Column<Task> = {
    key: "retry",
    title: texts.tasks.columns.actions,
    width: "126px",
    render: (task) => (
      <Button
        size="small"
        icon={<ReloadOutlined />}
        loading={isLoading && originalArgs === task.id}
        aria-label={texts.tasks.retryTask(task.function)}
        onClick={(event) => {
          event.stopPropagation();
          void retry(task.id);
        }}
      >
        {texts.tasks.retry}
      </Button>
    ),
  };
  return (
    <div className={styles["stack"]}>
      {mayRetry && <RetryAll />}
      <ProblemNotice problem={error} />
      <TaskList
        label={texts.tasks.deadTable}
        filter={FAILED}
        columns={mayRetry ? [...COLUMNS, action] : COLUMNS}
        empty={
          <EmptyState
            icon={<CheckCircleOutlined />}
            title={texts.tasks.noDead}
            next={texts.tasks.noDeadNext}
          />
        }
      />
    </div>
  );
}

const words = texts.tasks.columns;
const COLUMNS: Column<Task>[] = [
  {
    key: "function",
    title: words.function,
    width: "minmax(140px, 1.2fr)",
    render: (task) => <code title={task.function}>{task.function}</code>,
  },
  {
    key: "error",
    title: words.error,
    width: "minmax(180px, 3fr)",
    render: (task) => <span title={task.error ?? ""}>{errorParts(task.error ?? "").fact}</span>,
  },
  {
    key: "owner",
    title: words.owner,
    width: "minmax(100px, 0.9fr)",
    render: (task) => <OwnerName owner={task.owner} />,
  },
  { key: "attempts", title: words.attempts, width: "76px", render: (task) => <Attempts task={task} /> },
  {
    key: "failed",
    title: words.failed,
    width: "minmax(122px, 0.8fr)",
    render: (task) => <TimeAgo at={task.finished_at} />,
  },
];
