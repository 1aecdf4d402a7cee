import { Button, Modal } from "antd";

import { texts } from "@/shared/texts";

import { LazyTextDiff } from "../yaml/lazy";
import type { Rival } from "./opened";

const words = texts.workflowsEditor.drafts;

interface Props {
  /** The dialog is open while there is one. */
  rival: Rival | undefined;
  mine: string;
  onMine: () => void;
  onTheirs: () => void;
  onClose: () => void;
}

/** Two windows edited the same draft: the differences, and which one goes on. */
export function RivalDialog({ rival, mine, onMine, onTheirs, onClose }: Props) {
  return (
    <Modal
      open={rival !== undefined}
      title={words.rival}
      width={Math.min(980, window.innerWidth - 32)}
      onCancel={onClose}
      destroyOnHidden
      footer={
        <>
          <Button onClick={onClose}>{words.later}</Button>
          <Button onClick={onTheirs}>{words.takeTheirs}</Button>
          <Button type="primary" danger onClick={onMine}>
            {words.keepMine}
          </Button>
        </>
      }
    >
      <p>{words.rivalText}</p>
      {rival && (
        <LazyTextDiff before={rival.text} after={mine} beforeLabel={words.theirs} afterLabel={words.mine} />
      )}
    </Modal>
  );
}
