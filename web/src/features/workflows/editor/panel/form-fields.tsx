import CloseOutlined from "@ant-design/icons/CloseOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Checkbox, Input, Select } from "antd";

import { texts } from "@/shared/texts";

import {
  FIELD_KINDS,
  type FieldKind,
  type FormField,
  formFieldsOf,
  formSchemaOf,
} from "../model/form-fields";
import styles from "./panel.module.css";
import { useDraft } from "./use-draft";
import { YamlValue } from "./yaml-value";

const words = texts.workflowsEditor.forms.form;

interface Props {
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** What a person is asked to fill in, field by field. */
export function FormFields({ label, value, onChange }: Props) {
  const fields = formFieldsOf(value);
  if (!fields) return <YamlValue label={words.schema} value={value} onChange={onChange} />;
  const put = (next: readonly FormField[]) => onChange(formSchemaOf(next));
  const add = () => {
    let number = fields.length + 1;
    while (fields.some(({ name }) => name === `field${number}`)) number += 1;
    put([...fields, { name: `field${number}`, title: "", kind: "text", choices: [], isNeeded: false }]);
  };
  return (
    <div role="group" aria-label={label} className={styles["fields"]}>
      <strong>{label}</strong>
      {fields.length === 0 && <p className={styles["muted"]}>{words.none}</p>}
      {fields.map((field, at) => (
        <One
          key={at}
          field={field}
          isFree={(name) =>
            name !== "" && !fields.some((other, where) => where !== at && other.name === name)
          }
          onChange={(next) => put(fields.with(at, next))}
          onRemove={() => put(fields.toSpliced(at, 1))}
        />
      ))}
      <div>
        <Button size="small" icon={<PlusOutlined aria-hidden />} onClick={add}>
          {words.add}
        </Button>
      </div>
    </div>
  );
}

interface OneProps {
  field: FormField;
  isFree: (name: string) => boolean;
  onChange: (field: FormField) => void;
  onRemove: () => void;
}

function One({ field, isFree, onChange, onRemove }: OneProps) {
  const [name, setName] = useDraft(field.name);
  const [choices, setChoices] = useDraft(field.choices.join(", "));
  const change = (next: Partial<FormField>) => onChange({ ...field, ...next });
  const listOf = (text: string) => text.split(",").map((one) => one.trim()).filter(Boolean); // prettier-ignore
  return (
    <div className={styles["case"]} role="group" aria-label={`${words.field} ${field.name}`}>
      <div className={styles["head"]}>
        <Input
          style={{ flex: 1 }}
          className={styles["code"] ?? ""}
          aria-label={words.name}
          value={name}
          spellCheck={false}
          onChange={(event) => {
            const next = event.target.value.trim();
            setName(next, isFree(next) ? next : undefined);
            if (isFree(next)) change({ name: next });
          }}
        />
        <Select<FieldKind>
          aria-label={words.kind}
          style={{ width: 110 }}
          value={field.kind}
          options={FIELD_KINDS.map((kind) => ({ value: kind, label: words.kinds[kind] }))}
          onChange={(kind) => change({ kind, choices: kind === "choice" ? words.someChoices : [] })}
        />
        <Button
          type="text"
          size="small"
          icon={<CloseOutlined aria-hidden />}
          aria-label={texts.workflowsEditor.forms.removeOf(field.name)}
          onClick={onRemove}
        />
      </div>
      <Input
        aria-label={words.title}
        placeholder={words.title}
        value={field.title}
        onChange={(event) => change({ title: event.target.value })}
      />
      {field.kind === "choice" && (
        <Input
          aria-label={words.choices}
          placeholder={words.choices}
          value={choices}
          onChange={(event) => {
            const next = listOf(event.target.value);
            setChoices(event.target.value, next.length > 0 ? next.join(", ") : undefined);
            if (next.length > 0) change({ choices: next });
          }}
        />
      )}
      <Checkbox checked={field.isNeeded} onChange={(event) => change({ isNeeded: event.target.checked })}>
        {words.needed}
      </Checkbox>
    </div>
  );
}
