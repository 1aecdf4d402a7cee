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
import { useListOpenStepsQuery } from "./editor/api/list-open-steps";
import { isOver } from "./logic/runs";
import { useRunNews } from "./use-run-news";

const words = texts.workflows.oneRun;

/** One run while it goes on, and afterwards. */
export function RunPage() {
  const { run: id = "" } = useParams();
  const { currentData: run, error, refetch } = useGetShownRunQuery(id);
  const followed = run && !isOver(run) ? id : undefined;
  const { seq, pollingMs } = useRunNews(followed);
  useGetShownRunQuery(followed ?? skipToken, { pollingInterval: pollingMs });
  useListOpenStepsQuery(followed ?? skipToken, { pollingInterval: pollingMs });
  if (run) return <RunView key={run.id} run={run} count={Math.max(run.steps, seq)} />;
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
