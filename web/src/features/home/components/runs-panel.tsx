import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListHomeApprovalsQuery } from "../api/list-home-approvals";
import { useListHomeRunsQuery } from "../api/list-home-runs";
import styles from "./rows.module.css";

const SHOWN = 5;
const LATEST = 2;

/** Workflows that run now, those that failed, and what waits for a decision. */
export function RunsPanel() {
  const { data, error, isLoading, refetch } = useListHomeRunsQuery({ status: "running", limit: SHOWN });
  return (
    <Panel title={texts.home.runs} extra={<Link to="/runs">{texts.home.toRuns}</Link>}>
      {isLoading && <Loading />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      {data?.items.length === 0 && <EmptyState title={texts.home.noRuns} next={texts.home.noRunsNext} />}
      {data && data.items.length > 0 && (
        <ul className={styles["rows"]}>
          {data.items.map((run) => (
            <li key={run.id}>
              <span className={styles["name"]}>
                <Link to={`/workflows/runs/${run.id}`}>{run.workflow}</Link>
              </span>
              <span className={styles["end"]}>
                <TimeAgo at={run.started_at} />
              </span>
            </li>
          ))}
        </ul>
      )}
      <Waiting />
      <Failed />
    </Panel>
  );
}

/** What waits for a decision of whoever looks. */
function Waiting() {
  const { data } = useListHomeApprovalsQuery(SHOWN);
  if (!data || data.items.length === 0) return null;
  return (
    <>
      <p className={styles["part"]}>
        <span>{texts.home.approvals}</span>
        <Link to="/approvals">{texts.home.toApprovals}</Link>
      </p>
      <ul className={styles["rows"]}>
        {data.items.map((one) => (
          <li key={`${one.run} ${one.place}`}>
            <span className={styles["name"]}>
              <Link to={`/workflows/runs/${one.run}`}>{one.title}</Link>
              <small>{one.workflow}</small>
            </span>
            <span className={styles["end"]}>
              <TimeAgo at={one.asked_at} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The latest runs that failed, for somebody to look at. */
function Failed() {
  const { data } = useListHomeRunsQuery({ status: "faulted", limit: LATEST });
  if (!data || data.items.length === 0) return null;
  return (
    <>
      <p className={styles["part"]}>
        <span>{texts.home.failedRuns}</span>
        <Link to="/runs?status=faulted">{texts.home.toFailedRuns}</Link>
      </p>
      <ul className={styles["rows"]}>
        {data.items.map((run) => (
          <li key={run.id}>
            <span className={styles["name"]}>
              <Link to={`/workflows/runs/${run.id}`}>{run.workflow}</Link>
              {run.fault && (
                <small className={styles["short"]}>
                  {run.fault.detail ?? run.fault.title ?? run.fault.type}
                </small>
              )}
            </span>
            <span className={styles["end"]}>
              <TimeAgo at={run.ended_at} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
