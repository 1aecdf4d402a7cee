import ReloadOutlined from "@ant-design/icons/ReloadOutlined";
import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { Link, useNavigate } from "react-router";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { useLiveEvents, useLiveState } from "@/shared/live/live-provider";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { FEW_PAGES, useListRunsInfiniteQuery } from "../api/list-runs";
import { useRetryRunMutation } from "../api/retry-run";
import type { RunFilter } from "../logic/run-filter";
import { faultParts } from "../logic/runs";
import { RunState } from "./run-state";
import { Took } from "./took";
import { TriggerWords } from "./trigger-words";
import styles from "./workflows.module.css";

type Run = Schemas["Run"];

interface Props {
  filter: RunFilter;
  empty: ReactNode;
  height?: number;
}

const words = texts.workflows.runs;

/** Runs of any number. A short list follows what happens; a long one says that it is old and stays in place. */
export function RunList({ filter, empty, height }: Props) {
  const navigate = useNavigate();
  const mayRetry = useMay("operator");
  const pages = useListRunsInfiniteQuery(filter);
  const [isOld, setOld] = useState(false);
  const isLong = (pages.data?.pages.length ?? 0) > FEW_PAGES;
  const isLost = useLiveState() === "reconnecting"; // nobody knows then what is missed
  if (isLong && isLost && !isOld) setOld(true);
  if (!isLong && isOld) setOld(false);
  useLiveEvents(({ topic }) => {
    if (isLong && topic.startsWith("workflow.run.")) setOld(true);
  });
  const isDead = filter.status === "faulted";
  const [retry, retrying] = useRetryRunMutation();
  const again = async (run: string) => {
    const { data } = await retry({ run });
    if (data) await navigate(`/workflows/runs/${data.id}`);
  };
  const columns = [
    STATE,
    ...(filter.workflow === undefined ? [WORKFLOW] : []),
    ...(isDead ? [WHY] : [TRIGGER]),
    BEGAN,
    TOOK,
    ...(isDead && mayRetry ? [retryColumn(again, retrying.isLoading && retrying.originalArgs?.run)] : []),
  ];
  return (
    <div className={styles["stack"]}>
      {isOld && (
        <div className={styles["old"]} role="status">
          <span>{words.changed}</span>
          <Button
            size="small"
            loading={pages.isFetching}
            onClick={() => void pages.refetch({ refetchCachedPages: false })}
          >
            {words.showNewest}
          </Button>
        </div>
      )}
      <ProblemNotice problem={retrying.error} />
      <CursorTable
        label={words.table}
        columns={columns}
        rows={rowsOf(pages.data)}
        rowKey={({ id }) => id}
        pages={pages}
        {...(height !== undefined && { height })}
        empty={pages.hasNextPage ? <Loading rows={6} /> : empty}
        onOpen={({ id }) => void navigate(`/workflows/runs/${id}`)}
      />
    </div>
  );
}

const STATE: Column<Run> = {
  key: "state",
  title: words.columns.state,
  width: "112px",
  render: (run) => <RunState status={run.status} />,
};
const WORKFLOW: Column<Run> = {
  key: "workflow",
  title: words.columns.workflow,
  width: "minmax(150px, 1.4fr)",
  render: (run) => (
    <Link to={`/workflows/runs/${run.id}`} onClick={(event) => event.stopPropagation()}>
      {run.workflow}
      {run.trial && ` (${words.trial.toLowerCase()})`}
    </Link>
  ),
};
const TRIGGER: Column<Run> = {
  key: "trigger",
  title: words.columns.trigger,
  width: "minmax(130px, 1fr)",
  render: (run) => <TriggerWords run={run} />,
};
const WHY: Column<Run> = {
  key: "why",
  title: words.columns.why,
  width: "minmax(200px, 2.4fr)",
  render: ({ fault }) =>
    fault && (
      <span title={fault.detail}>
        {[fault.title, faultParts(fault).fact].filter(Boolean).join(": ")} <code>{fault.instance}</code>
      </span>
    ),
};
const BEGAN: Column<Run> = {
  key: "began",
  title: words.columns.began,
  width: "minmax(122px, 0.8fr)",
  render: (run) => <TimeAgo at={run.started_at ?? run.created_at} />,
};
const TOOK: Column<Run> = {
  key: "took",
  title: words.columns.took,
  width: "90px",
  render: (run) => <Took run={run} />,
};

/** A button that goes on where a run failed; `busy` is the run that is being retried. */
function retryColumn(again: (run: string) => Promise<void>, busy: string | false | undefined): Column<Run> {
  return {
    key: "retry",
    title: words.columns.actions,
    width: "104px",
    render: (run) => (
      <Button
        size="small"
        icon={<ReloadOutlined aria-hidden />}
        loading={busy === run.id}
        aria-label={words.retryOne(run.workflow)}
        onClick={(event) => {
          event.stopPropagation();
          void again(run.id);
        }}
      >
        {texts.workflows.oneRun.retry}
      </Button>
    ),
  };
}
