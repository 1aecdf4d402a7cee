import { Input, InputNumber, Select, Switch } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { Field, type FieldInput } from "@/shared/ui/field";

import { durationOf } from "../model/duration";
import { ERRORS, type FieldSpec } from "../model/fields";
import { durationText } from "../model/about";
import { CasesField } from "./cases-field";
import { EventsField } from "./events-field";
import { ExpressionField } from "./expression-field";
import { FormFields } from "./form-fields";
import { PairsField } from "./pairs-field";
import styles from "./panel.module.css";
import { ThenSelect } from "./then-select";
import { useDraft } from "./use-draft";
import { WebhookField } from "./webhook-field";
import { YamlValue } from "./yaml-value";

const words = texts.workflowsEditor.forms;

interface Props {
  spec: FieldSpec;
  value: unknown;
  /** Names that one can go to. */
  steps: readonly string[];
  onChange: (value: unknown) => void;
}

/** One member of a task, by the editor that suits it. */
export function FieldView({ spec, value, steps, onChange }: Props) {
  const label = words.fields[spec.label];
  const hint = spec.hint && words.fields[spec.hint];
  const given = { label, ...(hint !== undefined && { hint }) };
  const isPlain = typeof value !== "object" || value === null;
  switch (spec.editor) {
    case "pairs":
      return <PairsField label={label} value={value} onChange={onChange} />;
    case "cases":
      return <CasesField value={value} steps={steps} onChange={onChange} />;
    case "yaml":
      return <YamlValue {...given} value={value} onChange={onChange} />;
    case "events":
      return <EventsField label={label} value={value} onChange={onChange} />;
    case "form":
      return <FormFields label={label} value={value} onChange={onChange} />;
    case "webhook":
      return <WebhookField label={label} value={value} onChange={onChange} />;
    case "duration":
      return <DurationField {...given} value={value} onChange={onChange} />;
    default:
      if (!isPlain) return <YamlValue {...given} value={value} onChange={onChange} />;
      return (
        <Field {...given}>
          {(input) => <Plain input={input} spec={spec} value={value} steps={steps} onChange={onChange} />}
        </Field>
      );
  }
}

function Plain({ input, spec, value, steps, onChange }: Props & { input: FieldInput }) {
  const text = textOf(value);
  const usual = spec.usual === undefined ? "" : String(spec.usual);
  switch (spec.editor) {
    case "expression":
      return <ExpressionField input={input} value={text} onChange={onChange} />;
    case "number":
      return (
        <InputNumber
          {...input}
          min={0}
          style={{ width: "100%" }}
          placeholder={usual}
          value={typeof value === "number" ? value : null}
          onChange={(next) => onChange(next ?? undefined)}
        />
      );
    case "flag":
      return (
        <Switch id={input.id} checked={Boolean(value ?? spec.usual)} onChange={(next) => onChange(next)} />
      );
    case "then":
      return (
        <ThenSelect
          id={input.id}
          value={text || "continue"}
          steps={steps}
          onChange={(next) => onChange(next === "continue" ? undefined : next)}
        />
      );
    case "choice":
      return (
        <Select
          id={input.id}
          style={{ width: "100%" }}
          value={text || usual || null}
          options={choicesOf(spec, text)}
          allowClear={spec.mayLack === true}
          onChange={(next: string | null | undefined) =>
            onChange(next === usual ? undefined : (next ?? undefined))
          }
        />
      );
    case "long":
    case "code":
      return (
        <Input.TextArea
          {...input}
          {...(spec.editor === "code" && { className: styles["code"] ?? "" })}
          rows={Math.min(16, Math.max(3, text.split("\n").length + 1))}
          value={text}
          spellCheck={spec.editor === "long"}
          onChange={(event) => onChange(event.target.value)}
        />
      );
    default:
      return (
        <Input
          {...input}
          placeholder={usual}
          value={text}
          onChange={(event) => onChange(event.target.value)}
        />
      );
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function choicesOf({ choices = [] }: FieldSpec, value: string) {
  const all = value === "" || choices.includes(value) ? choices : [...choices, value];
  return all.map((one) => ({
    value: one,
    label: words.choices[one] ?? (one.startsWith(ERRORS) ? one.slice(ERRORS.length) : one),
  }));
}

interface DurationProps {
  label: string;
  hint?: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

function DurationField({ label, hint, value, onChange }: DurationProps) {
  const [draft, setDraft] = useDraft(durationText(value));
  const [isBad, setBad] = useState(false);
  const change = (text: string) => {
    const next = durationOf(text);
    setBad(next === undefined);
    setDraft(text, next === undefined ? undefined : durationText(next));
    if (next !== undefined) onChange(next);
  };
  return (
    <Field label={label} hint={hint} error={isBad ? words.fields.badDuration : undefined}>
      {(input) => <Input {...input} value={draft} onChange={(event) => change(event.target.value)} />}
    </Field>
  );
}
