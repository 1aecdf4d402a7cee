import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { bytes, count, took } from "@/shared/ui/units";

import { useShowPluginStatusQuery } from "../api/show-status";

const words = texts.plugins.overview;
const EVERY_MS = 5000;
const TONES = { closed: "good", open: "bad", "half-open": "warn" } as const;

/** Its breaker, its calls, its sandboxes, as they are now. */
export function StatusPanel({ name }: { name: string }) {
  const { data, error, isLoading, refetch } = useShowPluginStatusQuery(name, {
    pollingInterval: EVERY_MS,
    skipPollingIfUnfocused: true,
  });
  return (
    <Panel title={words.status}>
      {isLoading && <Loading rows={5} />}
      {!data && <ProblemNotice problem={error} onRetry={() => void refetch()} />}
      {data && (
        <Facts
          facts={[
            [words.breaker, <BreakerState key="breaker" breaker={data.breaker} />],
            [words.calls, count(data.calls)],
            [words.errors, count(data.errors)],
            [words.p95, data.p95_ms === null ? texts.common.none : took(data.p95_ms / 1000)],
            [words.inFlight, count(data.in_flight)],
            [words.warm, data.warm === 0 ? count(0) : words.warmOf(count(data.warm), bytes(data.warm_bytes))],
          ]}
        />
      )}
    </Panel>
  );
}

interface Breaker {
  state: keyof typeof TONES;
  failures: number;
  threshold: number;
  open_until: number | null;
}

function BreakerState({ breaker: { state, failures, threshold, open_until: until } }: { breaker: Breaker }) {
  return (
    <>
      <StateTag state={state} tone={TONES[state]} label={words.breakerStates[state]} />
      <small>
        {state === "closed" ? words.breakerHint.closed(failures, threshold) : words.breakerHint[state]}{" "}
        {until !== null && (
          <>
            {words.openUntil} <TimeAgo at={until} />
          </>
        )}
      </small>
    </>
  );
}
