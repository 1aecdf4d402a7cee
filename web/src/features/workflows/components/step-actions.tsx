import { Button, Input } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useForkRunMutation } from "../api/fork-run";
import { useRetryRunMutation } from "../api/retry-run";
import { valueOf } from "../logic/input";
import { isOver } from "../logic/runs";

interface Props {
  run: Schemas["Run"];
  step: Schemas["RunStep"];
}

const words = texts.workflows.oneRun;

/** New runs that begin with what this one did: from this step again, or behind it. */
export function StepActions({ run, step }: Props) {
  const may = useMay("operator");
  const navigate = useNavigate();
  const [retry, { error, isLoading }] = useRetryRunMutation();
  const [isForking, setForking] = useState(false);
  if (!may) return null;
  const show = (id: string) => void navigate(`/workflows/runs/${id}`);
  const again = async () => {
    const { data } = await retry({ run: run.id, place: step.place });
    if (data) show(data.id);
  };
  return (
    <>
      {isOver(run) && (
        <Button size="small" loading={isLoading} onClick={() => void again()}>
          {words.retryFrom}
        </Button>
      )}
      {step.status === "completed" && (
        <Button size="small" onClick={() => setForking(true)}>
          {words.fork}
        </Button>
      )}
      <ProblemNotice problem={error} />
      <ForkDialog
        isOpen={isForking}
        run={run.id}
        step={step}
        onClose={() => setForking(false)}
        onForked={show}
      />
    </>
  );
}

interface ForkProps {
  isOpen: boolean;
  run: string;
  step: Schemas["RunStep"];
  onClose: () => void;
  onForked: (run: string) => void;
}

function ForkDialog({ isOpen, run, step, onClose, onForked }: ForkProps) {
  const [fork, { error, isLoading, reset }] = useForkRunMutation();
  const [text, setText] = useState("");
  const read = valueOf(text);
  const isWrong = "problem" in read;
  const submit = async () => {
    if (isWrong) return;
    const given = text.trim() ? { input: read.value } : {};
    const { data } = await fork({ run, seq: step.seq, ...given });
    if (data) onForked(data.id);
  };
  return (
    <FormDialog
      isOpen={isOpen}
      title={words.forkTitle(step.name)}
      action={words.fork}
      isBusy={isLoading}
      problem={error}
      onSubmit={() => void submit()}
      onClose={onClose}
      afterClose={reset}
    >
      <p>{words.forkText}</p>
      <Field
        label={words.forkInput}
        hint={words.forkHint}
        error={isWrong ? texts.workflows.start.notJson(read.problem) : undefined}
      >
        {(field) => (
          <Input.TextArea
            {...field}
            rows={4}
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
