import { Button } from "antd";
import { useSearchParams } from "react-router";

import { withParts } from "@/shared/address";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListHostsQuery } from "./api/list-hosts";
import { HostDrawer } from "./components/host-drawer";
import { HostState } from "./components/host-state";
import styles from "./components/hosts.module.css";

const words = texts.hosts;
const EVERY_MS = 3_000;

/** Every host of the fleet, whichever of them serves this page. */
export function HostsPage() {
  const [query, setQuery] = useSearchParams();
  const { data, error, isLoading, refetch } = useListHostsQuery(undefined, {
    pollingInterval: EVERY_MS,
    skipPollingIfUnfocused: true,
  });
  const show = (host?: string) => setQuery(withParts(query, { host }));
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} />
      {isLoading && <Loading rows={4} />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      {data && (
        // Keyboards can scroll it only when it takes the focus.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <div className={styles["box"]} tabIndex={0} role="region" aria-label={words.table}>
          <table className={styles["table"]} aria-label={words.table}>
            <thead>
              <tr>
                {Object.entries(words.columns).map(([key, label]) => (
                  <th key={key} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.items.map((host) => (
                <Row key={host.id} host={host} onShow={() => show(host.id)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <HostDrawer host={query.get("host") ?? undefined} onClose={() => show()} />
    </>
  );
}

function Row({ host, onShow }: { host: Schemas["FleetHost"]; onShow: () => void }) {
  const { calls = 0, tasks = 0, runs = 0 } = host.load ?? {};
  const labels = Object.entries(host.labels ?? {});
  return (
    <tr>
      <th scope="row">
        <Button type="link" onClick={onShow}>
          {host.name}
        </Button>
      </th>
      <td>
        <HostState state={host.state ?? "ready"} />
      </td>
      <td>{host.version}</td>
      <td>{labels.map(([name, value]) => `${name}=${value}`).join(" ")}</td>
      <td>{words.load(calls, tasks, runs)}</td>
      <td>
        <TimeAgo at={host.seen_at} />
      </td>
    </tr>
  );
}
