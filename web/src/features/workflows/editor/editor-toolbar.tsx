import HistoryOutlined from "@ant-design/icons/HistoryOutlined";
import PlayCircleOutlined from "@ant-design/icons/PlayCircleOutlined";
import RedoOutlined from "@ant-design/icons/RedoOutlined";
import UndoOutlined from "@ant-design/icons/UndoOutlined";
import { Button } from "antd";

import { texts } from "@/shared/texts";

import { DiscardButton } from "./drafts/draft-state";
import type { Editor } from "./use-editor";

const words = texts.workflowsEditor;

interface Props {
  editor: Editor;
  isSaved: boolean;
  isDirty: boolean;
  isBusy: boolean;
  maySave: boolean;
  mayRun: boolean;
  onVersions: () => void;
  onRun: () => void;
  onSave: () => void;
  /** There is a draft, which may be discarded. */
  onDiscard: (() => void) | undefined;
}

/** What can be done with the whole workflow. */
export function EditorToolbar(props: Props) {
  const { editor, isSaved, isDirty, isBusy, maySave, mayRun } = props;
  return (
    <>
      {maySave && props.onDiscard && <DiscardButton onDiscard={props.onDiscard} />}
      {maySave && (
        <>
          <Button
            type="text"
            icon={<UndoOutlined aria-hidden />}
            disabled={!editor.canUndo}
            aria-label={words.undo}
            title={words.undo}
            onClick={editor.undo}
          />
          <Button
            type="text"
            icon={<RedoOutlined aria-hidden />}
            disabled={!editor.canRedo}
            aria-label={words.redo}
            title={words.redo}
            onClick={editor.redo}
          />
        </>
      )}
      {isSaved && (
        <Button icon={<HistoryOutlined aria-hidden />} onClick={props.onVersions}>
          {words.versions}
        </Button>
      )}
      {mayRun && (
        <Button
          icon={<PlayCircleOutlined aria-hidden />}
          disabled={editor.root.tasks.length === 0 || editor.problem !== undefined}
          onClick={props.onRun}
        >
          {maySave ? words.run : words.trial.go}
        </Button>
      )}
      {maySave && (
        <Button
          type="primary"
          loading={isBusy}
          disabled={!isDirty || editor.problem !== undefined}
          aria-label={words.save}
          onClick={props.onSave}
        >
          {words.save}
        </Button>
      )}
    </>
  );
}
