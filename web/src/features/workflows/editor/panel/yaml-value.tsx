import { Input } from "antd";
import { useState } from "react";
import { stringify } from "yaml";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";

import { read } from "../model/source";
import styles from "./panel.module.css";
import { useDraft } from "./use-draft";

interface Props {
  label: string;
  hint?: string;
  value: unknown;
  rows?: number;
  onChange: (value: unknown) => void;
}

const textOf = (value: unknown) =>
  value === undefined || value === "" ? "" : stringify(value, { lineWidth: 0 }).trimEnd();

/** Any value, as YAML; it is taken over as soon as it can be read. */
export function YamlValue({ label, hint, value, rows = 4, onChange }: Props) {
  const [draft, setDraft] = useDraft(textOf(value));
  const [isBad, setBad] = useState(false);
  const change = (text: string) => {
    const found = read(text);
    setBad(found.problem !== undefined);
    const next = text.trim() === "" ? undefined : found.value;
    setDraft(text, found.problem ? undefined : textOf(next));
    if (!found.problem) onChange(next);
  };
  return (
    <Field label={label} hint={hint} error={isBad ? texts.workflowsEditor.forms.badYaml : undefined}>
      {(input) => (
        <Input.TextArea
          {...input}
          className={styles["code"] ?? ""}
          rows={Math.min(14, Math.max(rows, draft.split("\n").length))}
          value={draft}
          spellCheck={false}
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Field>
  );
}
