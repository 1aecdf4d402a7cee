import { skipToken } from "@reduxjs/toolkit/query/react";
import { Button, Select, Slider } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { RunApprovals } from "../../components/run-approvals";
import { TONES } from "../../logic/runs";
import { useListWorkflowRunsQuery } from "../api/list-workflow-runs";
import panel from "../panel/panel.module.css";
import { StepData } from "./step-data";
import type { ShownRun } from "./use-shown-run";

const words = texts.workflowsEditor.trial;
const { mended } = texts.workflows;

interface Props {
  workflow: string | undefined;
  shown: ShownRun;
  selected: string | undefined;
  onChoose: (run: string | undefined) => void;
  onSelect: (pointer: string) => void;
  /** The version in which the run can go on. */
  next: number | "unsaved" | undefined;
  onContinue: () => void;
}

/** A run over the flow: which one, how far, and what the selected step saw and gave. */
export function RunPanel({ workflow, shown, selected, onChoose, onSelect, next, onContinue }: Props) {
  const runs = useListWorkflowRunsQuery(workflow ?? skipToken);
  const { run, steps, until, setUntil } = shown;
  const listed = runs.data?.items ?? [];
  const choices = run && !listed.some(({ id }) => id === run.id) ? [run, ...listed] : listed;
  return (
    // A run that was begun by keys has the focus, so that what it asks is near.
    <div className={panel["panel"]} data-run-panel tabIndex={-1} style={{ outline: "none" }}>
      <Select
        aria-label={words.choose}
        placeholder={words.choose}
        allowClear
        style={{ width: "100%" }}
        value={run?.id ?? null}
        options={choices.map((one) => ({ value: one.id, label: <RunLine run={one} /> }))}
        onChange={(id: string | null | undefined) => onChoose(id ?? undefined)}
      />
      <ProblemNotice problem={runs.error ?? shown.error} />
      {!run && <EmptyState title={words.none} next={words.noneNext} />}
      {run && (
        <>
          {run.status === "waiting" && <RunApprovals run={run.id} />}
          <div>
            <div className={panel["head"]}>
              <h2>{words.replay}</h2>
              <StateTag
                state={run.status}
                tone={TONES[run.status] ?? "calm"}
                label={words.states[run.status] ?? run.status}
              />
            </div>
            <Slider
              ariaLabelForHandle={words.replay}
              min={0}
              max={steps.length}
              value={until}
              onChange={(next: number) => {
                setUntil(next === steps.length ? undefined : next);
                const step = steps[next - 1];
                if (step) onSelect(step.path);
              }}
            />
            <p className={panel["muted"]}>
              {words.at(until, steps.length)} {!shown.isWhole && words.isCut}
            </p>
          </div>
          {run.fault && (
            <button
              type="button"
              className={panel["fault"]}
              onClick={() => onSelect(causeOf(steps, run)?.path ?? "")}
            >
              <strong>{run.fault.title ?? words.failed}</strong>
              {run.fault.detail && <span>{run.fault.detail}</span>}
              {run.fault.instance && <code>{run.fault.instance}</code>}
            </button>
          )}
          {next !== undefined && (
            <Button type="primary" title={mended.hint} onClick={onContinue}>
              {next === "unsaved" ? mended.save : mended.saved(next)}
            </Button>
          )}
          <StepData run={run} steps={steps.slice(0, until)} pointer={selected} />
        </>
      )}
    </div>
  );
}

/** The step where it went wrong; the blocks around it have failed after it. */
function causeOf(steps: ShownRun["steps"], { fault }: Schemas["Run"]) {
  const failed = steps.filter(({ status }) => status === "faulted");
  return failed.find(({ place }) => place === fault?.instance) ?? failed[0];
}

function RunLine({ run }: { run: Schemas["Run"] }) {
  return (
    <span>
      {words.states[run.status] ?? run.status} · <TimeAgo at={run.created_at} />{" "}
      {run.trial && `· ${words.trial}`}
    </span>
  );
}
