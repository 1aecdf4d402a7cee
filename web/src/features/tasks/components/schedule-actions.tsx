import CaretRightOutlined from "@ant-design/icons/CaretRightOutlined";
import DeleteOutlined from "@ant-design/icons/DeleteOutlined";
import PauseOutlined from "@ant-design/icons/PauseOutlined";
import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useRemoveScheduleMutation } from "../api/remove-schedule";
import { useSwitchScheduleMutation } from "../api/switch-schedule";
import styles from "./tasks.module.css";

interface Props {
  schedule: Schemas["Schedule"];
  onGone: () => void;
}

const words = texts.tasks.schedules;

/** Pauses a schedule, lets it go on, deletes it. */
export function ScheduleActions({ schedule, onGone }: Props) {
  const mayChange = useMay("operator");
  const [flip, switching] = useSwitchScheduleMutation();
  const [remove, removing] = useRemoveScheduleMutation();
  const [isAsking, setAsking] = useState(false);
  if (!mayChange) return null;
  const { name, enabled } = schedule;
  return (
    <div>
      <div className={styles["bar"]}>
        <Button
          icon={enabled ? <PauseOutlined /> : <CaretRightOutlined />}
          loading={switching.isLoading}
          onClick={() => void flip({ name, enabled: !enabled })}
        >
          {enabled ? words.pause : words.resume}
        </Button>
        <Button danger icon={<DeleteOutlined />} onClick={() => setAsking(true)}>
          {words.remove}
        </Button>
      </div>
      <ProblemNotice problem={switching.error} />
      <ConfirmDialog
        isOpen={isAsking}
        title={words.removeTitle(name)}
        action={words.remove}
        name={name}
        isBusy={removing.isLoading}
        problem={removing.error}
        onConfirm={() => void remove(name).then(({ error }) => !error && onGone())}
        onClose={() => setAsking(false)}
      >
        {words.removeText}
      </ConfirmDialog>
    </div>
  );
}
