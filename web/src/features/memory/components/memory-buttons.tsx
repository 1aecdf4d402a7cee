import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useChangeMemoryMutation } from "../api/change-memory";
import { useForgetMemoryMutation } from "../api/forget-memory";
import { CorrectDialog } from "./correct-dialog";
import styles from "./memory.module.css";

interface Props {
  memory: Schemas["Memory"];
  onShow: (id: string) => void;
  onClose: () => void;
}

const NAMED = 6;
/** Tiers whose memories nobody changes, and the one that is in RAM only. */
const FIXED = ["immediate", "planetary", "cosmic"];

/** What can be done with a memory. */
export function MemoryButtons({ memory, onShow, onClose }: Props) {
  const mayChange = useMay("operator");
  const [asks, setAsks] = useState<"forget" | "correct">();
  const [change, changing] = useChangeMemoryMutation();
  const [forget, forgetting] = useForgetMemoryMutation();
  if (!mayChange) return null;
  const words = texts.memory.detail;
  const { id } = memory;
  const isFixed = FIXED.includes(memory.tier);
  const forgetIt = async () => {
    const answer = await forget(id);
    if (!answer.error) onClose();
  };
  return (
    <>
      <div className={styles["buttons"]}>
        {memory.state === "quarantined" && (
          <Button type="primary" onClick={() => void change({ id, change: { approved: true } })}>
            {words.approve}
          </Button>
        )}
        {!isFixed && (
          <>
            <Button
              loading={changing.isLoading}
              aria-label={memory.pinned ? words.unpin : words.pin}
              onClick={() => void change({ id, change: { pinned: !memory.pinned } })}
            >
              {memory.pinned ? words.unpin : words.pin}
            </Button>
            {memory.superseded_by == null && (
              <Button onClick={() => setAsks("correct")}>{words.correct}</Button>
            )}
          </>
        )}
        <Button danger onClick={() => setAsks("forget")}>
          {words.forget}
        </Button>
      </div>
      <ProblemNotice problem={changing.error} />
      {asks === "correct" && (
        <CorrectDialog memory={memory} onDone={onShow} onClose={() => setAsks(undefined)} />
      )}
      <ConfirmDialog
        isOpen={asks === "forget"}
        title={words.forgetTitle}
        action={words.forget}
        name={id.slice(-NAMED)}
        isBusy={forgetting.isLoading}
        problem={forgetting.error}
        onConfirm={() => void forgetIt()}
        onClose={() => setAsks(undefined)}
      >
        {words.forgetText}
      </ConfirmDialog>
    </>
  );
}
