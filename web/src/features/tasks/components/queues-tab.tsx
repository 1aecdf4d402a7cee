import InboxOutlined from "@ant-design/icons/InboxOutlined";
import { Link } from "react-router";

import { locale } from "@/shared/language/language";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";

import { useListQueuesQuery } from "../api/list-queues";
import styles from "./queues.module.css";

const words = texts.tasks.queues;

/** What waits and runs in each queue, and how much may run at once. */
export function QueuesTab() {
  const { data, error, isLoading, refetch } = useListQueuesQuery();
  if (isLoading) return <Loading rows={4} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  if (data.items.length === 0) {
    return <EmptyState icon={<InboxOutlined />} title={words.none} next={words.noneNext} />;
  }
  return (
    <>
      {/* Keyboards can scroll it only when it takes the focus. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={styles["box"]} tabIndex={0} role="region" aria-label={words.table}>
        <table className={styles["queues"]} aria-label={words.table}>
          <thead>
            <tr>
              <th scope="col">{words.queue}</th>
              <th scope="col">{words.running}</th>
              <th scope="col">{words.waiting}</th>
              <th scope="col">{words.limit}</th>
            </tr>
          </thead>
          <tbody>
            {data.items.map((queue) => (
              <Row key={queue.queue} {...queue} />
            ))}
          </tbody>
        </table>
      </div>
      <p className={styles["hint"]}>
        {words.hint} <Link to="/settings/configuration">{texts.shell.pages.settings}</Link>
      </p>
    </>
  );
}

function Row({ queue, limit, waiting, running }: Schemas["Queue"]) {
  return (
    <tr>
      <th scope="row">{queue}</th>
      <td>
        {running.toLocaleString(locale)}
        {limit !== null && limit > 0 && (
          <meter
            min={0}
            max={limit}
            value={Math.min(running, limit)}
            aria-label={words.use(running, limit)}
            title={words.use(running, limit)}
          />
        )}
      </td>
      <td>{waiting.toLocaleString(locale)}</td>
      <td>
        {limit === null && <span className={styles["muted"]}>{words.noLimit}</span>}
        {limit === 0 && <StateTag state="held" tone="warn" label={words.held} />}
        {limit !== null && limit > 0 && limit.toLocaleString(locale)}
      </td>
    </tr>
  );
}
