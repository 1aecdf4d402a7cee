import BranchesOutlined from "@ant-design/icons/BranchesOutlined";
import DiffOutlined from "@ant-design/icons/DiffOutlined";
import ForwardOutlined from "@ant-design/icons/ForwardOutlined";
import ReloadOutlined from "@ant-design/icons/ReloadOutlined";
import { Button } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useRetryRunMutation } from "../api/retry-run";
import { useSteerRunMutation } from "../api/steer-run";
import { useGetWorkflowQuery } from "../editor/api/get-workflow";
import { isOver, isPart, isStopped } from "../logic/runs";
import { CompareDrawer } from "./compare-drawer";
import { ContinueDialog } from "./continue-dialog";

const words = texts.workflows.oneRun;
const { mended } = texts.workflows;

/** What can be done with a run now. */
export function RunActions({ run }: { run: Schemas["Run"] }) {
  const maySteer = useMay("operator");
  const navigate = useNavigate();
  const [isComparing, setComparing] = useState(false);
  const editor = `/workflows/${encodeURIComponent(run.workflow)}/edit?run=${run.id}`;
  return (
    <>
      <Button icon={<BranchesOutlined aria-hidden />} onClick={() => void navigate(editor)}>
        {words.toEditor}
      </Button>
      <Button icon={<DiffOutlined aria-hidden />} onClick={() => setComparing(true)}>
        {texts.workflows.oneRun.compare.open}
      </Button>
      <CompareDrawer run={run} isOpen={isComparing} onClose={() => setComparing(false)} />
      {maySteer && !isOver(run) && <Steer run={run} />}
      {maySteer && isStopped(run) && <GoOn run={run} />}
    </>
  );
}

function Steer({ run }: { run: Schemas["Run"] }) {
  const [steer, { error, isLoading, originalArgs }] = useSteerRunMutation();
  const [isAsking, setAsking] = useState(false);
  const verb = run.status === "suspended" ? "resume" : "suspend";
  const doing = isLoading ? originalArgs?.verb : undefined;
  const cancel = async () => {
    await steer({ run: run.id, verb: "cancel" });
    setAsking(false);
  };
  return (
    <>
      <Button loading={doing === verb} onClick={() => void steer({ run: run.id, verb })}>
        {words[verb]}
      </Button>
      <Button danger onClick={() => setAsking(true)}>
        {words.cancel}
      </Button>
      <ProblemNotice problem={error} />
      <ConfirmDialog
        isOpen={isAsking}
        title={words.cancelTitle}
        action={words.cancel}
        isBusy={doing === "cancel"}
        onConfirm={() => void cancel()}
        onClose={() => setAsking(false)}
      >
        {words.cancelText}
      </ConfirmDialog>
    </>
  );
}

/** In the version that ran, or in the newest one where there is a newer. */
function GoOn({ run }: { run: Schemas["Run"] }) {
  const navigate = useNavigate();
  const mayTry = useMay("admin");
  const [isAsking, setAsking] = useState(false);
  const { data: newest } = useGetWorkflowQuery(run.workflow);
  const isMended =
    newest !== undefined && newest.digest !== run.digest && !isPart(run) && (mayTry || !run.trial);
  return (
    <>
      <Retry run={run.id} isSecond={isMended} />
      {isMended && (
        <>
          <Button
            type="primary"
            icon={<ForwardOutlined aria-hidden />}
            title={mended.hint}
            aria-label={mended.action(newest.number)}
            onClick={() => setAsking(true)}
          >
            {mended.action(newest.number)}
          </Button>
          <ContinueDialog
            run={run}
            version={newest.number}
            isOpen={isAsking}
            onClose={() => setAsking(false)}
            onStarted={({ id }) => void navigate(`/workflows/runs/${id}`)}
          />
        </>
      )}
    </>
  );
}

function Retry({ run, isSecond }: { run: string; isSecond: boolean }) {
  const [retry, { error, isLoading }] = useRetryRunMutation();
  const navigate = useNavigate();
  const again = async () => {
    const { data } = await retry({ run });
    if (data) await navigate(`/workflows/runs/${data.id}`);
  };
  return (
    <>
      <Button
        type={isSecond ? "default" : "primary"}
        icon={<ReloadOutlined aria-hidden />}
        loading={isLoading}
        title={words.retryHint}
        aria-label={words.retry}
        onClick={() => void again()}
      >
        {words.retry}
      </Button>
      <ProblemNotice problem={error} />
    </>
  );
}
