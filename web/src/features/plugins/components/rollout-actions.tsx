import { Button } from "antd";
import { useState } from "react";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useEndRolloutMutation } from "../api/end-rollout";
import { isPaused, type Progress, versionName } from "../logic/rollout";
import styles from "./rollout.module.css";

const words = texts.plugins.rollout;

/** Ends a rollout by hand, forward or back, or lets it rest. */
export function RolloutActions({ plugin, progress }: { plugin: string; progress: Progress }) {
  const mayDecide = useMay("admin", plugin);
  const [asked, setAsked] = useState<"promote" | "stop">();
  const [end, { isLoading, error, reset }] = useEndRolloutMutation();
  if (!mayDecide) return null;
  const close = () => {
    setAsked(undefined);
    reset();
  };
  const confirm = async (order: "promote" | "stop") => {
    const answer = await end({ plugin, order });
    if (!answer.error) close();
  };
  const name = versionName(progress.after);
  const rest = isPaused(progress) ? "resume" : "pause";
  return (
    <div className={styles["tools"]}>
      <Button type="primary" onClick={() => setAsked("promote")}>
        {words.promote}
      </Button>
      <Button loading={isLoading && !asked} onClick={() => void end({ plugin, order: rest })}>
        {words[rest]}
      </Button>
      <Button danger onClick={() => setAsked("stop")}>
        {words.stop}
      </Button>
      {!asked && <ProblemNotice problem={error} />}
      {(["promote", "stop"] as const).map((order) => (
        <ConfirmDialog
          key={order}
          isOpen={asked === order}
          title={order === "promote" ? words.promoteTitle(name) : words.stopTitle(name)}
          action={order === "promote" ? words.promote : words.stop}
          isBusy={isLoading}
          problem={error}
          onConfirm={() => void confirm(order)}
          onClose={close}
        >
          {order === "promote" ? words.promoteText : words.stopText}
        </ConfirmDialog>
      ))}
    </div>
  );
}
