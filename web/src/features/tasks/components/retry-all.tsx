import ReloadOutlined from "@ant-design/icons/ReloadOutlined";
import { Button } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";

import { useRetryDeadTasksMutation } from "../api/retry-dead-tasks";

/** Begins all dead letters again, a batch after the other, and says how many there were. */
export function RetryAll() {
  const [retry, { error, reset }] = useRetryDeadTasksMutation();
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [count, setCount] = useState<number>();

  const close = () => {
    setAsking(false);
    reset();
  };
  const retryAll = async () => {
    setBusy(true);
    setCount(0);
    let before: number | undefined;
    let done = 0;
    for (;;) {
      const { data } = await retry(before === undefined ? {} : { before });
      done += data?.retried ?? 0;
      setCount(done);
      if (!data) break; // the dialog says why, and what has begun again stays so
      before = data.before;
      if (data.more) continue;
      close();
      break;
    }
    setBusy(false);
  };
  return (
    <div style={{ display: "flex", gap: 12, alignItems: "center", flexWrap: "wrap" }}>
      <Button icon={<ReloadOutlined />} onClick={() => setAsking(true)}>
        {texts.tasks.retryAll}
      </Button>
      <span role="status">{count !== undefined && !isBusy && !error && texts.tasks.retried(count)}</span>
      <ConfirmDialog
        isOpen={isAsking}
        title={texts.tasks.retryAllTitle}
        action={texts.tasks.retryAll}
        isBusy={isBusy}
        problem={error}
        onConfirm={() => void retryAll()}
        onClose={close}
      >
        <p>{texts.tasks.retryAllText}</p>
        {isBusy && count !== undefined && <p role="status">{texts.tasks.retrying(count)}</p>}
      </ConfirmDialog>
    </div>
  );
}
