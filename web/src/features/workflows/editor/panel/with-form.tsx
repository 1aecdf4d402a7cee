import { Button, Select } from "antd";
import { useMemo, useState } from "react";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";

import { filled, partsOf } from "../model/form-schema";
import { isObject, isSame } from "../model/path";
import { ExpressionField } from "./expression-field";
import styles from "./panel.module.css";
import { YamlValue } from "./yaml-value";

const words = texts.workflowsEditor.forms;

interface Props {
  schema: unknown;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** What a function is given: a form of its schema, where each field may be an expression instead. */
export function WithForm({ schema, value, onChange }: Props) {
  const parts = useMemo(() => partsOf(schema, value), [schema, value]);
  const isText = isObject(schema) && schema["type"] === "string";
  if (isText && (value === undefined || typeof value === "string"))
    return (
      <Field label={words.given} hint={words.useInput}>
        {(input) => <ExpressionField input={input} value={value ?? ""} onChange={onChange} />}
      </Field>
    );
  if (!parts)
    return (
      <YamlValue label={words.noForm} hint={words.useInput} value={value} rows={5} onChange={onChange} />
    );
  const given = isObject(value) ? value : {};
  const put = (next: Record<string, unknown>) => onChange(Object.keys(next).length > 0 ? next : undefined);
  const without = (name: string) => Object.fromEntries(Object.entries(given).filter(([one]) => one !== name));
  return (
    <div className={styles["fields"]}>
      {parts.expressions.map((name) => (
        <Field
          key={name}
          label={name}
          hint={
            <Button type="link" size="small" style={{ padding: 0 }} onClick={() => put(without(name))}>
              {words.asValue(name)}
            </Button>
          }
        >
          {(input) => (
            <ExpressionField
              input={input}
              value={String(given[name])}
              onChange={(next) => put(next ? { ...given, [name]: next } : without(name))}
            />
          )}
        </Field>
      ))}
      {parts.schema && <Drawn key={parts.others.join()} schema={parts.schema} given={given} onChange={put} />}
      {parts.rest.map((name) => (
        <YamlValue
          key={name}
          label={name}
          value={given[name]}
          rows={2}
          onChange={(next) => put(next === undefined ? without(name) : { ...given, [name]: next })}
        />
      ))}
      {parts.others.length > 0 && (
        <Select<string | null>
          aria-label={words.asExpression}
          placeholder={words.asExpression}
          value={null}
          options={parts.others.map((name) => ({ value: name, label: name }))}
          onChange={(name) => name !== null && put({ ...given, [name]: "${ . }" })}
        />
      )}
    </div>
  );
}

interface DrawnProps {
  schema: Record<string, unknown>;
  given: Record<string, unknown>;
  onChange: (value: Record<string, unknown>) => void;
}

/** The form keeps what is typed; it begins anew when the text says something else than it gave. */
function Drawn({ schema, given, onChange }: DrawnProps) {
  const names = Object.keys(schema["properties"] as object);
  const own = Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
  const [told, setTold] = useState({ value: own, round: 0 });
  const [known, setKnown] = useState(schema);
  if (!isSame(known, schema)) setKnown(schema);
  if (!isSame(filled(told.value), filled(own))) setTold({ value: own, round: told.round + 1 });
  return (
    <SchemaForm
      key={told.round}
      schema={known}
      value={told.value}
      onSubmit={() => undefined}
      onChange={(value) => {
        const next = filled(value);
        if (isSame(next, filled(own))) return;
        setTold({ value: next, round: told.round });
        const others = Object.entries(given).filter(([name]) => !names.includes(name));
        onChange({ ...Object.fromEntries(others), ...next });
      }}
    />
  );
}
