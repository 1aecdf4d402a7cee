import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Facts } from "@/shared/ui/facts";
import { Panel } from "@/shared/ui/panel";
import { TimeAgo } from "@/shared/ui/time-ago";

import { lastError } from "../logic/last-error";
import type { Plugin } from "../logic/review";
import { shortHash } from "../logic/short-hash";
import { CallLimitPanel } from "./call-limit-panel";
import { FiguresPanel } from "./figures-panel";
import { KeptCallsPanel } from "./kept-calls-panel";
import { LimitsPanel } from "./limits-panel";
import styles from "./overview.module.css";
import { StateNotice } from "./state-notice";
import { StatusPanel } from "./status-panel";

const words = texts.plugins.overview;

/** What the plugin is, how it is, and what bounds it. */
export function OverviewTab({ plugin }: { plugin: Plugin }) {
  const mayCall = useMay("operator", plugin.name);
  const error = lastError(plugin);
  return (
    <div className={styles["grid"]}>
      <div className={styles["column"]}>
        <StateNotice plugin={plugin} />
        <Panel title={words.about}>
          <p className={styles["description"]}>{plugin.description || words.noDescription}</p>
          <Facts facts={factsOf(plugin)} />
        </Panel>
        {error && (
          <Panel title={words.lastError} extra={<TimeAgo at={error.at} />}>
            <p className={styles["error"]}>{error.message}</p>
            {error.remedy && mayCall && <p className={styles["remedy"]}>{error.remedy}</p>}
            <code>{error.code}</code>
          </Panel>
        )}
        <FiguresPanel name={plugin.name} />
        <KeptCallsPanel name={plugin.name} />
      </div>
      <div className={styles["column"]}>
        <StatusPanel name={plugin.name} />
        <LimitsPanel name={plugin.name} />
        {plugin.trust !== "native" && <CallLimitPanel name={plugin.name} />}
      </div>
    </div>
  );
}

function factsOf(plugin: Plugin): [string, React.ReactNode][] {
  const { hash, serving, path, trust } = plugin;
  const list = texts.plugins.list;
  const isNative = trust === "native";
  const serves = serving === hash ? words.servingSame : serving && <Hash hash={serving} />;
  return [
    [words.version, plugin.version || texts.common.none],
    [words.author, plugin.author || texts.common.none],
    ...(isNative || !hash
      ? []
      : ([[words.hash, <Hash key="hash" hash={hash} />]] as [string, React.ReactNode][])),
    ...(isNative
      ? []
      : ([[words.serving, serving ? serves : words.servingNone]] as [string, React.ReactNode][])),
    [words.file, <code key="file">{path}</code>],
    [
      words.trust,
      <span key="trust">
        {list.trust[trust]} <small>{list.trustHint[trust]}</small>
      </span>,
    ],
  ];
}

function Hash({ hash }: { hash: string }) {
  return (
    <span className={styles["hash"]}>
      <code title={hash}>{shortHash(hash)}</code>
      <CopyButton text={hash} />
    </span>
  );
}
