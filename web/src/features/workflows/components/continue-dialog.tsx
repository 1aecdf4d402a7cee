import { Modal } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { usePlanRetryQuery } from "../api/plan-retry";
import { useRetryRunMutation } from "../api/retry-run";
import styles from "./workflows.module.css";

interface Props {
  run: Schemas["Run"];
  /** Number of the version that goes on. */
  version: number;
  isOpen: boolean;
  onClose: () => void;
  onStarted: (run: Schemas["Run"]) => void;
}

const words = texts.workflows.mended;

/** Before a run goes on in another version: the steps that are kept, those that run again, and why. */
export function ContinueDialog({ run, version, isOpen, onClose, onStarted }: Props) {
  const [retry, { error, isLoading, reset }] = useRetryRunMutation();
  const go = async () => {
    const { data } = await retry({ run: run.id, version });
    if (data) onStarted(data);
  };
  return (
    <Modal
      open={isOpen}
      title={words.title(version)}
      okText={words.go}
      okButtonProps={{ loading: isLoading }}
      cancelText={texts.common.cancel}
      onOk={() => void go()}
      onCancel={onClose}
      afterClose={reset}
      destroyOnHidden
    >
      <p>{words.lead}</p>
      <Plan run={run.id} version={version} />
      <ProblemNotice problem={error} />
    </Modal>
  );
}

function Plan({ run, version }: { run: string; version: number }) {
  const { data, error, isFetching, refetch } = usePlanRetryQuery(
    { run, version },
    { refetchOnMountOrArgChange: true },
  );
  if (error) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  if (!data || isFetching) return <Loading rows={4} />;
  return (
    <div className={styles["stack"]}>
      <Steps title={words.kept(data.kept.length)} steps={data.kept} none={words.noneKept} />
      <Steps title={words.again(data.again.length)} steps={data.again} none={words.noneAgain} />
      <p className={styles["muted"]}>{words.rest}</p>
    </div>
  );
}

interface StepsProps {
  title: string;
  steps: readonly Schemas["PlannedStep"][];
  none: string;
}

function Steps({ title, steps, none }: StepsProps) {
  return (
    <section aria-label={title}>
      <h3 className={styles["part"]}>{title}</h3>
      {steps.length === 0 && <p className={styles["muted"]}>{none}</p>}
      <ul className={styles["planned"]}>
        {steps.map(({ place, name, why }) => (
          <li key={place}>
            <strong>{name}</strong> <code>{place}</code>
            {why && <span> {words.why[why]}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
