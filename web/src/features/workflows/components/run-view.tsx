import { skipToken } from "@reduxjs/toolkit/query/react";
import { Segmented } from "antd";
import { lazy, Suspense, useMemo, useState } from "react";
import { Link, useSearchParams } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { useAddress } from "@/shared/hooks/use-address";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";

import { useListOpenStepsQuery } from "../editor/api/list-open-steps";
import { treeOf } from "../logic/run-tree";
import { isOver } from "../logic/runs";
import { useRunSteps } from "../use-run-steps";
import { RunAbout } from "./run-about";
import { RunActions } from "./run-actions";
import { RunApprovals } from "./run-approvals";
import { RunFault } from "./run-fault";
import { RunState } from "./run-state";
import { RunTimeline } from "./run-timeline";
import { StepPanel } from "./step-panel";
import { StepTree } from "./step-tree";
import styles from "./workflows.module.css";

const RunFlow = lazy(() => import("./run-flow"));

const words = texts.workflows.oneRun;
const NONE: Schemas["RunOpen"]["items"] = [];
const NOTHING: ReadonlySet<string> = new Set();
/** No event tells that a step waits for what is being made for it. */
const OPEN_MS = 1000;
const VIEWS = ["steps", "flow", "timeline"] as const;

interface Props {
  run: Schemas["Run"];
  /** How many rows it has by now. */
  count: number;
}

/** A run: why it failed, its steps over time or over its flow, what went in and out of each. */
export function RunView({ run, count }: Props) {
  const [query] = useSearchParams();
  const change = useAddress();
  const over = isOver(run);
  const { steps, error, more, isAll, isCut } = useRunSteps(run.id, count);
  const opened = useListOpenStepsQuery(over ? skipToken : run.id, { pollingInterval: OPEN_MS });
  const open = over ? NONE : (opened.currentData?.items ?? NONE);
  const [changed, setChanged] = useState(NOTHING);
  const rows = useMemo(() => treeOf(steps, open, changed), [steps, open, changed]);
  const chosen = query.get("step") ?? undefined;
  const view = VIEWS.find((one) => one === query.get("view")) ?? "steps";
  const choose = (place: string | undefined) => change({ step: place });
  const fold = (place: string) => {
    const next = new Set(changed);
    if (!next.delete(place)) next.add(place);
    setChanged(next);
  };
  const name = <Link to={`/workflows/${encodeURIComponent(run.workflow)}`}>{run.workflow}</Link>;
  return (
    <>
      <PageHeader
        title={words.title(run.workflow)}
        lead={name}
        tags={
          <>
            <RunState status={run.status} />
            {run.trial && <StateTag state="trial" label={texts.workflows.runs.trial} />}
          </>
        }
        actions={<RunActions run={run} />}
      />
      <div className={styles["stack"]}>
        {run.fault && <RunFault fault={run.fault} steps={steps} onChoose={choose} />}
        {open.map(
          ({ place, name, waits_for }) =>
            waits_for && (
              <p key={place} role="status">
                {words.stepWaits(name, waits_for)}
              </p>
            ),
        )}
        {open.some(({ kind }) => kind === "approval") && <RunApprovals run={run.id} />}
        <div className={styles["columns"]} data-wide="true">
          <div className={styles["stack"]}>
            <div className={styles["bar"]}>
              <Segmented
                aria-label={words.view}
                value={view}
                options={VIEWS.map((value) => ({ value, label: words.views[value] }))}
                onChange={(next) => change({ view: next === "steps" ? undefined : next })}
              />
            </div>
            {view === "timeline" ? (
              <RunTimeline run={run.id} />
            ) : view === "flow" ? (
              <Suspense fallback={<Loading rows={8} />}>
                <RunFlow run={run} steps={steps} open={open} rows={rows} chosen={chosen} onChoose={choose} />
              </Suspense>
            ) : (
              <StepTree run={run} rows={rows} isAll={isAll} chosen={chosen} onChoose={choose} onFold={fold} />
            )}
            <ProblemNotice problem={error} onRetry={more} />
            {isCut && !error && <MoreRows shown={steps.length} all={count} onMore={more} />}
          </div>
          <div className={styles["stack"]}>
            <StepPanel run={run} rows={rows} steps={steps} chosen={chosen} onChoose={choose} />
            <RunAbout run={run} steps={steps} />
          </div>
        </div>
      </div>
    </>
  );
}

function MoreRows({ shown, all, onMore }: { shown: number; all: number; onMore: () => void }) {
  return (
    <p className={styles["muted"]}>
      {words.moreSteps(shown, all)}{" "}
      <button type="button" className={styles["link"]} onClick={onMore}>
        {words.loadMore}
      </button>
    </p>
  );
}
