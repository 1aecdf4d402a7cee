import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Facts } from "@/shared/ui/facts";
import { TimeAgo } from "@/shared/ui/time-ago";

import { duration } from "../logic/timings";
import { Attempts, OwnerName, type Task, Took } from "./task-cells";

const EXACT = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const words = texts.tasks.facts;

/** When a task was ordered, began and ended, and how long that was. */
export function TaskTimes({ task }: { task: Task }) {
  const waited = task.started_at === null ? null : duration(task.started_at - task.created_at);
  const isLater = task.due_at > task.created_at;
  return (
    <section>
      <h2>{texts.tasks.times}</h2>
      <Facts
        facts={[
          [words.created, <At key="at" at={task.created_at} />],
          [words.due, isLater && <At at={task.due_at} />],
          [words.expires, task.expires_at !== null && <At at={task.expires_at} />],
          [words.started, task.started_at !== null && <At at={task.started_at} />],
          [words.finished, task.finished_at !== null && <At at={task.finished_at} />],
          [words.waited, waited],
          [words.took, task.started_at !== null && <Took task={task} />],
        ]}
      />
    </section>
  );
}

export function TaskDetails({ task }: { task: Task }) {
  return (
    <section>
      <h2>{texts.tasks.details}</h2>
      <Facts
        facts={[
          [
            words.id,
            <span key="id">
              <code>{task.id}</code>
              <CopyButton text={task.id} label={texts.tasks.copyId} />
            </span>,
          ],
          [words.attempts, <Attempts key="attempts" task={task} />],
          [words.lost, task.lost > 0 && task.lost],
          [words.owner, <OwnerName key="owner" owner={task.owner} />],
          [words.queue, task.queue],
          [words.priority, task.priority],
          [words.key, task.key !== null && <code>{task.key}</code>],
          [words.timeout, task.timeout_s !== null && duration(task.timeout_s)],
          [words.host, task.host],
        ]}
      />
    </section>
  );
}

function At({ at }: { at: number }) {
  return (
    <>
      {EXACT.format(new Date(at * 1000))} (<TimeAgo at={at} />)
    </>
  );
}
