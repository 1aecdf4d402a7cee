import { Button } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useCancelRestoreMutation } from "../api/cancel-restore";
import { Notice } from "./notice";

interface Props {
  backups: Schemas["Backups"];
  /** Whether to tell that the last one failed; not when the page says so itself. */
  isTold: boolean;
}

/** What waits for the next start, and what came of the last time. */
export function BackupNews({ backups, isTold }: Props) {
  const [cancel, { isLoading, error }] = useCancelRestoreMutation();
  const { staged, restored, failed } = backups;
  const words = texts.settings.backups;
  return (
    <>
      {staged && (
        <Notice
          tone="warn"
          title={words.staged(staged.backup)}
          action={
            <Button loading={isLoading} onClick={() => void cancel(staged.backup)}>
              {words.cancel}
            </Button>
          }
        >
          {words.stagedBy(staged.by)}
        </Notice>
      )}
      <ProblemNotice problem={error} />
      {!staged && restored && (
        <Notice
          tone={restored.ok ? "good" : "bad"}
          title={restored.ok ? words.restored(restored.backup) : words.notRestored(restored.backup)}
        >
          {restored.text}
        </Notice>
      )}
      {failed && isTold && (
        <Notice tone="bad" title={words.failed}>
          {failed}
        </Notice>
      )}
    </>
  );
}
