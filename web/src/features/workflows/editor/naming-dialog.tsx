import { Input } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { named } from "./model/operations";
import { valueAt } from "./model/path";
import type { Editor } from "./use-editor";

const words = texts.workflowsEditor.naming;
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

interface Props {
  isOpen: boolean;
  editor: Editor;
  isBusy: boolean;
  problem: unknown;
  onSave: (text: string) => void;
  onClose: () => void;
}

/** Asked once, before a new workflow is kept for the first time. */
export function NamingDialog({ isOpen, editor, isBusy, problem, onSave, onClose }: Props) {
  const textAt = (member: string) => {
    const found = valueAt(editor.value, ["document", member]);
    return typeof found === "string" ? found : "";
  };
  const [typed, setTyped] = useState<{ name?: string; title?: string }>({});
  const name = typed.name ?? textAt("name");
  const title = typed.title ?? textAt("title");
  const isGood = NAME.test(name);
  return (
    <FormDialog
      isOpen={isOpen}
      title={words.title}
      action={texts.workflowsEditor.save}
      isBusy={isBusy}
      problem={problem}
      onSubmit={() => isGood && onSave(named(editor.text, name, title.trim()))}
      onClose={onClose}
      afterClose={() => setTyped({})}
    >
      <Field label={words.name} hint={words.nameHint} error={isGood ? undefined : words.nameBad}>
        {(input) => (
          <Input
            {...input}
            value={name}
            autoComplete="off"
            spellCheck={false}
            onFocus={(event) => event.target.select()}
            onChange={(event) => setTyped({ ...typed, name: event.target.value.trim() })}
          />
        )}
      </Field>
      <Field label={words.inWords} hint={words.inWordsHint}>
        {(input) => (
          <Input
            {...input}
            value={title}
            autoComplete="off"
            onChange={(event) => setTyped({ ...typed, title: event.target.value })}
          />
        )}
      </Field>
    </FormDialog>
  );
}
