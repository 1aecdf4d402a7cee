import { skipToken } from "@reduxjs/toolkit/query/react";
import { useParams } from "react-router";

import { asProblem } from "@/shared/api/problem";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { RunView } from "./components/run-view";
import { useGetShownRunQuery } from "./editor/api/get-shown-run";
import { isOver } from "./logic/runs";

const words = texts.workflows.oneRun;
const POLL_MS = 2000; // events make it newer at once; this is for what no event tells

/** One run while it goes on, and afterwards. */
export function RunPage() {
  const { run: id = "" } = useParams();
  const { currentData: run, error, refetch } = useGetShownRunQuery(id);
  useGetShownRunQuery(run && !isOver(run) ? id : skipToken, { pollingInterval: POLL_MS });
  if (run) return <RunView key={run.id} run={run} />;
  const isGone = error !== undefined && asProblem(error).status === 404;
  return (
    <>
      <PageHeader title={words.facts.id} />
      {isGone ? (
        <EmptyState title={words.gone} next={words.goneNext} />
      ) : (
        <ProblemNotice problem={error} onRetry={() => void refetch()} />
      )}
      {!error && <Loading rows={8} />}
    </>
  );
}
