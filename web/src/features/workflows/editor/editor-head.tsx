import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { PageHeader } from "@/shared/ui/page-header";
import { StateTag } from "@/shared/ui/state-tag";

import { TONES } from "../logic/runs";
import { DraftTag } from "./drafts/draft-state";
import type { KeptState } from "./drafts/keeper";
import { EditorToolbar } from "./editor-toolbar";
import styles from "./editor.module.css";
import { valueAt } from "./model/path";
import type { Editor } from "./use-editor";

const words = texts.workflowsEditor;

interface Props {
  editor: Editor;
  base: Schemas["Workflow"] | undefined;
  run: Schemas["Run"] | undefined;
  drafted: KeptState;
  isDirty: boolean;
  isEdited: boolean;
  isBusy: boolean;
  maySave: boolean;
  mayRun: boolean;
  onVersions: () => void;
  onRun: () => void;
  /** Goes to the run that is shown. */
  onShown: () => void;
  onSave: () => void;
  onDiscard: (() => void) | undefined;
}

/** Name, version and state of the workflow, and of the run that is shown over it. */
export function EditorHead(props: Props) {
  const { editor, base, run, drafted, isDirty, isEdited, onShown, ...rest } = props;
  const name = valueAt(editor.value, ["document", "name"]);
  return (
    <PageHeader
      title={base ? (typeof name === "string" ? name : base.name) : words.newTitle}
      tags={
        <>
          {base && <StateTag state="version" label={words.version(base.number)} />}
          {isDirty && <StateTag state="unsaved" tone="warn" label={words.unsaved} />}
          {isEdited && <DraftTag state={drafted} />}
          {run && (
            <button type="button" className={styles["shown"]} title={words.trial.show} onClick={onShown}>
              <StateTag
                state={run.status}
                tone={TONES[run.status] ?? "calm"}
                label={stateOf(run.number, words.trial.states[run.status] ?? run.status)}
              />
            </button>
          )}
        </>
      }
      actions={<EditorToolbar {...rest} {...{ editor, isDirty }} isSaved={base !== undefined} />}
    />
  );
}

function stateOf(version: number | null, state: string): string {
  return version === null ? words.trial.stateOfTrial(state) : words.trial.stateOf(version, state);
}
