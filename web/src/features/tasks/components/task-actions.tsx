import ReloadOutlined from "@ant-design/icons/ReloadOutlined";
import StopOutlined from "@ant-design/icons/StopOutlined";
import { Button } from "antd";
import { useState } from "react";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useCancelTaskMutation } from "../api/cancel-task";
import { useRetryTaskMutation } from "../api/retry-task";
import type { Task } from "./task-cells";
import styles from "./tasks.module.css";

/** What can be done with a task as it stands: begin it again, or cancel it. */
export function TaskActions({ task }: { task: Task }) {
  const mayAct = useMay("operator");
  const [retry, retrying] = useRetryTaskMutation();
  const [cancel, cancelling] = useCancelTaskMutation();
  const [isAsking, setAsking] = useState(false);
  if (!mayAct || task.state === "done") return null;
  const isOpen = task.state === "waiting" || task.state === "running";
  return (
    <div>
      <div className={styles["bar"]}>
        {isOpen ? (
          <Button danger icon={<StopOutlined />} onClick={() => setAsking(true)}>
            {texts.tasks.cancel}
          </Button>
        ) : (
          <Button
            type="primary"
            icon={<ReloadOutlined />}
            loading={retrying.isLoading}
            onClick={() => void retry(task.id)}
          >
            {texts.tasks.retry}
          </Button>
        )}
      </div>
      <ProblemNotice problem={retrying.error} />
      <ConfirmDialog
        isOpen={isAsking && isOpen}
        title={texts.tasks.cancelTitle(task.function)}
        action={texts.tasks.cancel}
        isBusy={cancelling.isLoading}
        problem={cancelling.error}
        onConfirm={() => void cancel(task).then(({ error }) => !error && setAsking(false))}
        onClose={() => setAsking(false)}
      >
        {texts.tasks.cancelText}
      </ConfirmDialog>
    </div>
  );
}
