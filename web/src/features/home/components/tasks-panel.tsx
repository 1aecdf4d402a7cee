import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListDeadLettersQuery } from "../api/list-dead-letters";
import { useListRunningTasksQuery } from "../api/list-running-tasks";
import styles from "./rows.module.css";

const SHOWN = 6;

/** What runs now. */
export function TasksPanel() {
  const { data, error, isLoading, refetch } = useListRunningTasksQuery(SHOWN);
  return (
    <Panel title={texts.home.tasks} extra={<Link to="/tasks">{texts.home.toTasks}</Link>}>
      {isLoading && <Loading />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      {data?.items.length === 0 && <EmptyState title={texts.home.noTasks} next={texts.home.noTasksNext} />}
      {data && data.items.length > 0 && (
        <ul className={styles["rows"]}>
          {data.items.map((task) => (
            <li key={task.id}>
              <span className={styles["name"]}>
                <Link to={{ pathname: "/tasks", search: `?task=${task.id}` }}>{task.function}</Link>
                <small>{texts.home.attempt(task.attempts, task.most_attempts)}</small>
              </span>
              <span className={styles["end"]}>
                <TimeAgo at={task.started_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
      <DeadLetters />
    </Panel>
  );
}

const LATEST = 2;

/** The latest tasks that failed for good, for somebody to look at. */
function DeadLetters() {
  const { data } = useListDeadLettersQuery(LATEST);
  if (!data || data.items.length === 0) return null;
  return (
    <>
      <p className={styles["part"]}>
        <span>{texts.home.deadLetters}</span>
        <Link to="/tasks/dead-letters">{texts.home.toDeadLetters}</Link>
      </p>
      <ul className={styles["rows"]}>
        {data.items.map((task) => (
          <li key={task.id}>
            <span className={styles["name"]}>
              <Link to={{ pathname: "/tasks/dead-letters", search: `?task=${task.id}` }}>
                {task.function}
              </Link>
              {task.error && <small className={styles["short"]}>{task.error}</small>}
            </span>
            <span className={styles["end"]}>
              <TimeAgo at={task.finished_at} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
