import { texts } from "@/shared/texts";
import { TimeAgo } from "@/shared/ui/time-ago";

import { errorParts } from "../logic/timings";
import type { Task } from "./task-cells";
import styles from "./tasks.module.css";

/** Why the last attempt failed, what to do about it, and when the next one comes. */
export function TaskError({ task }: { task: Task }) {
  if (!task.error || task.state === "done") return null;
  const { fact, remedy } = errorParts(task.error);
  return (
    <section className={styles["error"]}>
      <h2>{task.state === "failed" ? texts.tasks.error : texts.tasks.lastError}</h2>
      <p>
        {fact} {task.code && <code>{task.code}</code>}
      </p>
      {remedy && (
        <p>
          <strong>{texts.tasks.remedy}:</strong> {remedy}
        </p>
      )}
      {task.state === "waiting" && task.attempts > 0 && (
        <p>
          {texts.tasks.nextAttempt} <TimeAgo at={task.due_at} />
        </p>
      )}
    </section>
  );
}
