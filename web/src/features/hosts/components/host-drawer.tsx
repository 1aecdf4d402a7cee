import { Drawer } from "antd";

import { locale } from "@/shared/language/language";
import { asProblem } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";
import { bytes } from "@/shared/ui/units";

import { useGetHostQuery } from "../api/get-host";
import { useGetHostLogsQuery } from "../api/get-host-logs";
import { HostActions } from "./host-actions";
import { HostState } from "./host-state";
import styles from "./hosts.module.css";

const words = texts.hosts;
const EVERY_MS = 2_000;

interface Props {
  /** Its id; nothing is open without one. */
  host: string | undefined;
  onClose: () => void;
}

/** All there is to know about one host, and what one may do with it. */
export function HostDrawer({ host, onClose }: Props) {
  return (
    <Drawer
      open={host !== undefined}
      title={words.host}
      size={Math.min(720, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
    >
      {host !== undefined && <Content key={host} id={host} onClose={onClose} />}
    </Drawer>
  );
}

function Content({ id, onClose }: { id: string; onClose: () => void }) {
  const mayRead = useMay("operator");
  const { currentData, error, refetch } = useGetHostQuery(id, { pollingInterval: EVERY_MS });
  if (error && asProblem(error).status === 404) {
    return <EmptyState title={words.none} next={words.noneNext} />;
  }
  if (!currentData) {
    return error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />;
  }
  return (
    <div className={styles["drawer"]}>
      <div className={styles["bar"]}>
        <HostState state={currentData.state ?? "ready"} />
        <strong>{currentData.name}</strong>
      </div>
      <HostActions host={currentData} onGone={onClose} />
      <Facts
        facts={[
          [words.id, <code key="id">{currentData.id}</code>],
          [words.address, currentData.address ?? words.noAddress],
          [words.started, <TimeAgo key="started" at={currentData.started_at} />],
          [words.processor, currentData.load?.cpu?.toLocaleString(locale, { maximumFractionDigits: 2 })],
          [words.memory, bytes(currentData.load?.memory_bytes ?? 0)],
        ]}
      />
      <Plugins plugins={currentData.plugins} />
      {mayRead && <Logs id={id} />}
    </div>
  );
}

function Plugins({ plugins }: { plugins: Schemas["HostPlugin"][] }) {
  return (
    <section>
      <h2>{words.plugins}</h2>
      {plugins.length === 0 && <p className={styles["muted"]}>{words.noPlugins}</p>}
      {plugins.length > 0 && (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className={styles["box"]} tabIndex={0} role="region" aria-label={words.plugins}>
          <table className={styles["table"]} aria-label={words.plugins}>
            <thead>
              <tr>
                <th scope="col">{words.plugin}</th>
                <th scope="col">{words.version}</th>
                <th scope="col">{words.columns.state}</th>
              </tr>
            </thead>
            <tbody>
              {plugins.map((one) => (
                <tr key={one.plugin}>
                  <th scope="row">{one.plugin}</th>
                  <td>
                    <code>{(one.loaded ?? one.wanted).slice(0, 8)}</code>
                  </td>
                  <td className={styles["reason"]}>{standing(one)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function standing(one: Schemas["HostPlugin"]): string {
  if (one.elsewhere) {
    const labels = Object.entries(one.placement ?? {}).map(([name, value]) => `${name}=${value}`);
    return words.elsewhere(labels.join(", "));
  }
  return one.lags || one.state || words.onFirstCall;
}

function Logs({ id }: { id: string }) {
  const { data, error, isLoading, refetch } = useGetHostLogsQuery(id);
  const lines = data?.items.map((line) => `${clock(line.at)} ${line.level.padEnd(5)} ${line.message}`);
  return (
    <section>
      <h2>{words.logs}</h2>
      {isLoading && <Loading rows={3} />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      {lines?.length === 0 && <p className={styles["muted"]}>{words.noLogs}</p>}
      {lines && lines.length > 0 && (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre className={styles["lines"]} tabIndex={0} role="region" aria-label={words.logs}>
          {lines.join("\n")}
        </pre>
      )}
    </section>
  );
}

function clock(at: number): string {
  return new Date(at * 1000).toLocaleTimeString(locale);
}
