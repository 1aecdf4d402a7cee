import { Input, InputNumber, Select, Switch } from "antd";

import { texts } from "@/shared/texts";
import type { FieldInput } from "@/shared/ui/field";

import type { ValueKind } from "../value-kind";

interface Props {
  kind: ValueKind;
  /** Of kind `json` its text; undefined while it is empty and must not be. */
  value: unknown;
  onChange: (value: unknown) => void;
  input: FieldInput;
}

/** The input that a kind of value is edited with. */
export function ValueInput({ kind, value, onChange, input }: Props) {
  const words = texts.settings.configuration;
  const { status: _status, ...plain } = input;
  switch (kind.kind) {
    case "flag":
      return (
        <Switch
          {...plain}
          checked={value === true}
          checkedChildren={words.on}
          unCheckedChildren={words.off}
          onChange={onChange}
        />
      );
    case "choice":
      return (
        <Select
          {...input}
          value={value as string | number}
          options={kind.choices.map((one) => ({ value: one, label: String(one) }))}
          onChange={onChange}
        />
      );
    case "number":
      return (
        <InputNumber
          {...input}
          value={typeof value === "number" ? value : null}
          {...(kind.isWhole && { precision: 0 })}
          {...(kind.isOptional && { placeholder: words.noValue })}
          keyboard={false}
          controls={false}
          onChange={(next) => onChange(next ?? (kind.isOptional ? null : undefined))}
        />
      );
    case "text":
      return (
        <Input
          {...input}
          value={typeof value === "string" ? value : ""}
          {...(kind.isOptional && { placeholder: words.noValue })}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.target.value || (kind.isOptional ? null : ""))}
        />
      );
    case "texts":
      return (
        <Select
          {...input}
          mode="tags"
          open={false}
          tokenSeparators={[",", " "]}
          value={Array.isArray(value) ? (value as string[]) : []}
          onChange={onChange}
        />
      );
    case "json":
      return (
        <Input.TextArea
          {...input}
          rows={6}
          spellCheck={false}
          value={String(value)}
          onChange={(event) => onChange(event.target.value)}
        />
      );
  }
}
