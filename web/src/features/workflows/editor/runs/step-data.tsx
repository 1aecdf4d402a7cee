import PushpinFilled from "@ant-design/icons/PushpinFilled";
import PushpinOutlined from "@ant-design/icons/PushpinOutlined";
import { Button, Select } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { JsonView } from "@/shared/ui/json-view";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { took } from "@/shared/ui/units";

import { useGetShownStepQuery } from "../api/get-shown-step";
import panel from "../panel/panel.module.css";
import { usePins } from "./use-pins";

const words = texts.workflowsEditor.trial;
const MOST_ROUNDS = 100;

interface Props {
  run: Schemas["Run"];
  steps: readonly Schemas["RunStep"][];
  pointer: string | undefined;
}

/** What went into a step and what came out; of the whole run when none is selected. */
export function StepData({ run, steps, pointer }: Props) {
  if (pointer === undefined) {
    return (
      <>
        <Value title={words.inputOf} value={run.input} />
        {run.output !== null && <Value title={words.output} value={run.output} />}
      </>
    );
  }
  const own = steps.filter(({ path }) => path === pointer);
  if (own.length === 0) return <p className={panel["muted"]}>{words.noData}</p>;
  return <Rounds key={pointer} run={run.id} steps={own.slice(-MOST_ROUNDS)} />;
}

function Rounds({ run, steps }: { run: string; steps: readonly Schemas["RunStep"][] }) {
  const [chosen, setChosen] = useState<number>();
  const last = steps[steps.length - 1];
  const failed =
    last?.status === "cancelled" ? steps.findLast(({ status }) => status === "faulted") : undefined;
  const step = steps.find(({ seq }) => seq === chosen) ?? failed ?? last;
  if (!step) return null;
  return (
    <>
      {steps.length > 1 && (
        <Select
          aria-label={words.rounds}
          style={{ width: "100%" }}
          value={step.seq}
          options={steps.map(({ seq, place, status }) => ({
            value: seq,
            label: `${place} · ${texts.workflowsEditor.marks[status] ?? status}`,
          }))}
          onChange={setChosen}
        />
      )}
      {step.cut ? <Full key={step.seq} run={run} step={step} /> : <Shown step={step} />}
    </>
  );
}

function Full({ run, step }: { run: string; step: Schemas["RunStep"] }) {
  const { data, error, isFetching } = useGetShownStepQuery({ run, seq: step.seq });
  if (isFetching) return <Loading rows={3} />;
  return (
    <>
      <ProblemNotice problem={error} />
      <Shown step={data ?? step} />
    </>
  );
}

function Shown({ step }: { step: Schemas["RunStep"] }) {
  return (
    <>
      <Facts
        facts={[
          [words.took, took(Math.max(0, step.at - step.began_at))],
          [words.attempt, String(step.attempt)],
        ]}
      />
      {step.fault && <Value title={words.error} value={step.fault} />}
      <Value title={words.inputOf} value={step.input} />
      {!step.fault && <Value title={words.output} value={step.output} />}
      {!step.fault && <PinButton step={step.name} value={step.output ?? null} />}
    </>
  );
}

/** Keeps the output for test runs, or lets it go. */
function PinButton({ step, value }: { step: string; value: unknown }) {
  const { byStep, pin, unpin, error } = usePins();
  if (!pin || !step) return null;
  return (
    <div>
      {byStep.has(step) ? (
        <Button size="small" icon={<PushpinFilled aria-hidden />} onClick={() => unpin(step)}>
          {words.unpin}
        </Button>
      ) : (
        <Button
          size="small"
          icon={<PushpinOutlined aria-hidden />}
          title={words.pinHint}
          aria-label={words.pin}
          onClick={() => pin(step, value)}
        >
          {words.pin}
        </Button>
      )}
      <ProblemNotice problem={error} />
    </div>
  );
}

function Value({ title, value }: { title: string; value: unknown }) {
  return (
    <div>
      <h3 className={panel["label"]}>{title}</h3>
      <JsonView value={value ?? null} label={title} maxHeight={220} />
    </div>
  );
}
