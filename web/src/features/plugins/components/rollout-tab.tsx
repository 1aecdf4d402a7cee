import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { span } from "@/shared/ui/units";

import { useShowRolloutQuery } from "../api/show-rollout";
import type { Plugin } from "../logic/review";
import { isPaused, type Progress, versionName } from "../logic/rollout";
import { RolloutActions } from "./rollout-actions";
import { RolloutFigures, RolloutGuards } from "./rollout-figures";
import styles from "./rollout.module.css";

const words = texts.plugins.rollout;
const EVERY_MS = 2000;
const TONES = {
  running: "busy",
  paused: "warn",
  done: "good",
  "rolled-back": "bad",
  stopped: "warn",
} as const;

/** A new version that gets more and more of the calls: how far it is, and how it fares against the one before. */
export function RolloutTab({ plugin }: { plugin: Plugin }) {
  const { data, error, isLoading, refetch } = useShowRolloutQuery(plugin.name, {
    pollingInterval: EVERY_MS,
    skipPollingIfUnfocused: true,
    skip: !plugin.rollout,
  });
  if (!plugin.rollout) return <EmptyState title={words.none} next={words.noneNext} />;
  if (!data) {
    return (
      <>
        {isLoading && <Loading rows={6} />}
        <ProblemNotice problem={error} onRetry={() => void refetch()} />
      </>
    );
  }
  const state = data.rollout.state ?? "running";
  const shown = isPaused(data) ? "paused" : state;
  return (
    <div className={styles["parts"]}>
      <Panel
        title={words.title}
        extra={<StateTag state={shown} tone={TONES[shown]} label={words.states[shown]} />}
      >
        <Steps progress={data} />
        <Facts facts={factsOf(data)} />
        {state === "running" && <RolloutActions plugin={plugin.name} progress={data} />}
      </Panel>
      <RolloutFigures progress={data} />
      <RolloutGuards progress={data} />
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
    </div>
  );
}

function Steps({ progress: { rollout } }: { progress: Progress }) {
  const { shares, state, step = 0 } = rollout;
  return (
    <ol className={styles["steps"]} aria-label={words.steps}>
      {shares.map((percent, index) => (
        <li
          key={percent}
          data-state={stateOf(index, step, state === "done")}
          aria-current={index === step && state === "running" ? "step" : undefined}
        >
          {words.step(percent)}
        </li>
      ))}
    </ol>
  );
}

function stateOf(index: number, step: number, isDone: boolean): "past" | "now" | "later" {
  if (isDone || index < step) return "past";
  return index === step ? "now" : "later";
}

function factsOf(progress: Progress): [string, React.ReactNode][] {
  const { rollout, share, before, after, next_at: next } = progress;
  const { step = 0, shares, reason, state, ended_at: ended } = rollout;
  const following = shares[step + 1];
  return [
    [words.from, versionName(before)],
    [words.to, versionName(after)],
    [words.share, words.shareOf(share, state === "running" ? step + 1 : 0, shares.length)],
    [
      words.next,
      next !== null && following !== undefined && (
        <>
          {words.step(following)}, <TimeAgo at={next} /> {words.soonest}
        </>
      ),
    ],
    [state === "running" && !isPaused(progress) ? words.waits : words.reason, reason],
    [words.every, span(rollout.every_s)],
    [
      words.begun,
      <span key="begun">
        <TimeAgo at={rollout.began_at} /> {words.by(rollout.who)}
      </span>,
    ],
    [words.ended, ended !== null && ended !== undefined && <TimeAgo at={ended} />],
  ].filter(([, value]) => Boolean(value)) as [string, React.ReactNode][];
}
