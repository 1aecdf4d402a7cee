import AppstoreOutlined from "@ant-design/icons/AppstoreOutlined";
import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";

import { useListHomePluginsQuery } from "../api/list-plugins";
import { attentionOf, countsOf } from "../logic/plugins";
import styles from "./rows.module.css";

const SHOWN = 5;

/** How many plugins are in which state, and which of them need a look and why. */
export function PluginsPanel() {
  const { data, error, isLoading, refetch } = useListHomePluginsQuery(SHOWN);
  const counts = countsOf(data?.totals ?? {});
  const waiting = data?.attention ?? [];
  const left = attentionOf(data?.totals ?? {}) - waiting.length;
  return (
    <Panel title={texts.home.plugins} extra={<Link to="/plugins">{texts.home.toPlugins}</Link>}>
      {isLoading && <Loading />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      {data && counts.length === 0 && (
        <EmptyState
          icon={<AppstoreOutlined />}
          title={texts.home.noPlugins}
          next={texts.home.noPluginsNext}
        />
      )}
      {counts.length > 0 && (
        <ul className={styles["counts"]}>
          {counts.map(([state, count]) => (
            <li key={state}>
              <strong>{count}</strong> <StateTag state={state} />
            </li>
          ))}
        </ul>
      )}
      {waiting.length > 0 && (
        <ul className={styles["rows"]}>
          {waiting.map(({ name, state, reason }) => (
            <li key={name}>
              <span className={styles["name"]}>
                <Link to={`/plugins/${encodeURIComponent(name)}`}>{name}</Link>
                {reason && <small>{reason}</small>}
              </span>
              <StateTag state={state} />
            </li>
          ))}
          {left > 0 && (
            <li>
              <Link to="/plugins">{texts.home.moreAttention(left)}</Link>
            </li>
          )}
        </ul>
      )}
    </Panel>
  );
}
