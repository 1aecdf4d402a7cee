import { Select } from "antd";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListWorkflowRunsQuery } from "../api/list-workflow-runs";
import panel from "../panel/panel.module.css";
import type { Wishes } from "./trial-dialog";

const words = texts.workflowsEditor.trial;

interface Props {
  workflow: string;
  wishes: Wishes;
  /** Names of the steps with a pinned output. */
  pins: readonly string[];
}

/** Where a trial has the data of steps from that it does not run. */
export function TrialSource({ workflow, wishes, pins }: Props) {
  const { run, calls, setCalls, choose } = wishes;
  const { data } = useListWorkflowRunsQuery(workflow);
  const runs = (data?.items ?? []).map(({ id, status, created_at }) => ({
    value: id,
    label: (
      <span>
        {words.states[status] ?? status} · <TimeAgo at={created_at} />
      </span>
    ),
  }));
  const shown = run === null || runs.some(({ value }) => value === run) ? [] : [{ value: run, label: run }];
  return (
    <>
      <Field label={words.source} hint={words.sourceHint}>
        {(field) => (
          <Select
            id={field.id}
            style={{ width: "100%" }}
            value={run}
            options={[{ value: null, label: words.sourceNone }, ...shown, ...runs]}
            onChange={(next) => choose({ run: next })}
          />
        )}
      </Field>
      {run !== null && (
        <Field label={words.calls}>
          {(field) => (
            <Select
              id={field.id}
              style={{ width: "100%" }}
              value={calls}
              options={[
                { value: "real", label: words.callsReal },
                { value: "recorded", label: words.callsRecorded },
              ]}
              onChange={setCalls}
            />
          )}
        </Field>
      )}
      {pins.length > 0 && <p className={panel["muted"]}>{words.pinnedSteps(pins)}</p>}
    </>
  );
}
