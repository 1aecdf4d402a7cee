import { Drawer } from "antd";
import { Link } from "react-router";

import { asProblem } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useGetNextTicksQuery } from "../api/get-next-ticks";
import { useGetScheduleQuery } from "../api/get-schedule";
import { whenOf } from "../logic/schedule";
import { NextRuns } from "./next-runs";
import { ScheduleActions } from "./schedule-actions";
import { ScheduleState } from "./schedule-state";
import styles from "./tasks.module.css";

interface Props {
  /** Nothing is open without one. */
  name: string | undefined;
  onClose: () => void;
}

const words = texts.tasks.schedules;

/** One schedule: its next runs, what it orders, its switch. */
export function ScheduleDrawer({ name, onClose }: Props) {
  return (
    <Drawer
      open={name !== undefined}
      title={name ?? ""}
      size={Math.min(560, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
    >
      {name !== undefined && <Content key={name} name={name} onGone={onClose} />}
    </Drawer>
  );
}

function Content({ name, onGone }: { name: string; onGone: () => void }) {
  const { currentData: schedule, error, refetch } = useGetScheduleQuery(name);
  if (error && asProblem(error).status === 404)
    return <EmptyState title={words.gone} next={words.goneNext} />;
  if (schedule) return <Shown schedule={schedule} onGone={onGone} />;
  return error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />;
}

function Shown({ schedule, onGone }: { schedule: Schemas["Schedule"]; onGone: () => void }) {
  const ticks = useGetNextTicksQuery(schedule.name);
  return (
    <div className={styles["drawer"]}>
      <div className={styles["bar"]}>
        <ScheduleState schedule={schedule} />
        <code>{schedule.function}</code>
      </div>
      <ScheduleActions schedule={schedule} onGone={onGone} />
      <section>
        <h2>{words.nextRuns}</h2>
        {ticks.isLoading && <Loading rows={4} />}
        <ProblemNotice problem={ticks.error} onRetry={() => void ticks.refetch()} />
        {ticks.data && (
          <NextRuns
            runs={ticks.data.items}
            timeZone={schedule.timezone}
            words={ticks.data.words}
            none={schedule.enabled ? words.noRuns : words.pausedRuns}
          />
        )}
      </section>
      <section>
        <h2>{texts.tasks.details}</h2>
        <Facts
          facts={[
            [words.when, <code key="when">{whenOf(schedule)}</code>],
            [words.zone, schedule.timezone],
            [words.missed, words.missedRules[schedule.missed]],
            [words.queue, schedule.queue],
            [words.attempts, schedule.attempts],
            [words.last, <TimeAgo key="last" at={schedule.last_at} />],
            [
              words.lastTask,
              schedule.last_task !== null && (
                <Link to={{ pathname: "/tasks", search: `?task=${encodeURIComponent(schedule.last_task)}` }}>
                  {schedule.last_task}
                </Link>
              ),
            ],
          ]}
        />
      </section>
    </div>
  );
}
