import { Drawer } from "antd";

import { asProblem } from "@/shared/api/problem";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { JsonView } from "@/shared/ui/json-view";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";

import { useGetTaskQuery } from "../api/get-task";
import { TaskActions } from "./task-actions";
import type { Task } from "./task-cells";
import { TaskError } from "./task-error";
import { TaskDetails, TaskTimes } from "./task-facts";
import styles from "./tasks.module.css";

interface Props {
  /** Its id; nothing is open without one. */
  task: string | undefined;
  onClose: () => void;
}

/** All there is to know about one task. */
export function TaskDrawer({ task, onClose }: Props) {
  return (
    <Drawer
      open={task !== undefined}
      title={texts.tasks.task}
      size={Math.min(640, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
    >
      {task !== undefined && <Content key={task} id={task} />}
    </Drawer>
  );
}

function Content({ id }: { id: string }) {
  const { currentData: task, error, refetch } = useGetTaskQuery(id);
  if (error && asProblem(error).status === 404) {
    return <EmptyState title={texts.tasks.gone} next={texts.tasks.goneNext} />;
  }
  if (task) return <Shown task={task} />;
  return error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />;
}

function Shown({ task }: { task: Task }) {
  return (
    <div className={styles["drawer"]}>
      <div className={styles["bar"]}>
        <StateTag state={task.state} />
        <code>{task.function}</code>
      </div>
      <TaskActions task={task} />
      <TaskError task={task} />
      <section>
        <h2>{texts.tasks.input}</h2>
        <JsonView value={task.input} label={texts.tasks.input} maxHeight={240} />
      </section>
      <section>
        <h2>{texts.tasks.output}</h2>
        {task.state === "done" ? (
          <JsonView value={task.output} label={texts.tasks.output} maxHeight={300} />
        ) : (
          <p className={styles["muted"]}>{texts.tasks.noOutput}</p>
        )}
      </section>
      <TaskTimes task={task} />
      <TaskDetails task={task} />
    </div>
  );
}
