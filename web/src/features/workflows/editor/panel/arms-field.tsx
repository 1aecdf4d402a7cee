import CloseOutlined from "@ant-design/icons/CloseOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Input } from "antd";

import { texts } from "@/shared/texts";

import { armsOf, casePath } from "../model/arms";
import { addArm, removeArm, renameArm } from "../model/operations";
import type { Path } from "../model/path";
import { setField } from "../model/setting";
import { shown } from "../model/about";
import type { Task } from "../model/tasks";
import type { Editor } from "../use-editor";
import { ExpressionField } from "./expression-field";
import styles from "./panel.module.css";
import { useDraft } from "./use-draft";

const words = texts.workflowsEditor.forms;

interface Props {
  editor: Editor;
  task: Task;
}

/** The ways of a decision, in their order, each with its condition; the one without is the rest. */
export function ArmsField({ editor, task }: Props) {
  const { path, value } = task;
  const arms = armsOf(value, path) ?? [];
  const edit = (make: (text: string) => string, isTyping = false) =>
    editor.edit((text) => ({ text: make(text), selected: editor.selected }), isTyping);
  const setWhen = (at: number, when: string) => {
    const place: Path | undefined = casePath(editor.value, path, at);
    if (place) edit((text) => setField(text, place, ["when"], when), true);
  };
  return (
    <div className={styles["fields"]}>
      {arms.map(({ name, when }, at) => (
        <div key={at} className={styles["case"]} role="group" aria-label={`${words.caseName} ${name}`}>
          <div className={styles["head"]}>
            <ArmName name={name} onRename={(next) => edit((text) => renameArm(text, path, at, next))} />
            {arms.length > 1 && (
              <Button
                type="text"
                size="small"
                icon={<CloseOutlined aria-hidden />}
                aria-label={words.removeOf(name)}
                onClick={() => edit((text) => removeArm(text, path, at))}
              />
            )}
          </div>
          <ExpressionField
            label={words.caseWhen}
            placeholder={words.caseElse}
            value={when === undefined ? "" : shown(when)}
            onChange={(next) => setWhen(at, next)}
          />
        </div>
      ))}
      <div>
        <Button
          size="small"
          icon={<PlusOutlined aria-hidden />}
          onClick={() => edit((text) => addArm(text, path))}
        >
          {words.addCase}
        </Button>
      </div>
    </div>
  );
}

function ArmName({ name, onRename }: { name: string; onRename: (next: string) => void }) {
  const [draft, setDraft] = useDraft(name);
  const rename = () => {
    if (draft.trim() !== name) onRename(draft.trim());
    setDraft(name, name);
  };
  return (
    <Input
      style={{ flex: 1 }}
      aria-label={words.caseName}
      value={draft}
      onChange={(event) => setDraft(event.target.value, undefined)}
      onBlur={rename}
      onPressEnter={rename}
    />
  );
}
