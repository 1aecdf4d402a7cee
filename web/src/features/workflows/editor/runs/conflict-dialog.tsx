import { Button, Modal } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { LazyTextDiff } from "../yaml/lazy";

const words = texts.workflowsEditor.conflict;

interface Props {
  /** What somebody else saved; the dialog is open while there is one. */
  theirs: Schemas["Workflow"] | undefined;
  mine: string;
  isBusy: boolean;
  onMine: () => void;
  onTheirs: () => void;
  onClose: () => void;
}

/** Two people saved the same workflow: what differs, and whose it shall be. */
export function ConflictDialog({ theirs, mine, isBusy, onMine, onTheirs, onClose }: Props) {
  return (
    <Modal
      open={theirs !== undefined}
      title={words.title}
      width={Math.min(980, window.innerWidth - 32)}
      onCancel={onClose}
      destroyOnHidden
      footer={
        <>
          <Button onClick={onClose}>{words.back}</Button>
          <Button onClick={onTheirs}>{words.theirs}</Button>
          <Button type="primary" danger loading={isBusy} onClick={onMine}>
            {words.mine}
          </Button>
        </>
      }
    >
      <p>{words.text}</p>
      {theirs && (
        <LazyTextDiff
          before={theirs.text}
          after={mine}
          beforeLabel={texts.workflowsEditor.version(theirs.number)}
          afterLabel={texts.workflowsEditor.history.draft}
        />
      )}
    </Modal>
  );
}
