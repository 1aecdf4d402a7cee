import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";
import { span } from "@/shared/ui/units";

import { useGetHostQuery } from "../api/get-host";
import { EnginesPanel } from "./engines-panel";
import styles from "./tab.module.css";

const EVERY_MS = 30_000;

/** What runs where, since when, and what is known against its engines. */
export function MachineTab() {
  const { data, error, isLoading, refetch } = useGetHostQuery(undefined, {
    pollingInterval: EVERY_MS,
    skipPollingIfUnfocused: true,
  });
  const words = texts.settings.machine;
  if (isLoading) return <Loading rows={8} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const plugins = Object.entries(data.counts)
    .map(([state, count]) => `${count} ${(texts.common.states[state] ?? state).toLowerCase()}`)
    .join(", ");
  const facts: [string, React.ReactNode][] = [
    [words.version, `${data.name} ${data.version}`],
    [words.started, <TimeAgo key="started" at={data.started_at} />],
    [words.uptime, span(data.uptime_s)],
    [words.environment, words.environments[data.environment] ?? data.environment],
    [words.platform, data.platform],
    [words.python, data.python],
    [words.storage, <code key="storage">{data.storage}</code>],
    [words.data, <code key="data">{data.data}</code>],
    [words.plugins, plugins || words.noPlugins],
  ];
  return (
    <div className={styles["column"]}>
      <Panel title={words.about}>
        <Facts facts={facts} />
      </Panel>
      <EnginesPanel engines={data.engines} day={data.advisories_of} />
    </div>
  );
}
