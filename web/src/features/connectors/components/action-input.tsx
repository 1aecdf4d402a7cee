import { Button, Input, Segmented } from "antd";
import { useMemo, useState } from "react";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";

import { drawable, given, isObject, longTexts } from "../logic/schema";
import styles from "./connectors.module.css";

interface Props {
  schema: unknown;
  isBusy: boolean;
  onCall: (input: unknown) => void;
}

type Mode = keyof typeof words.modes;

const words = texts.connectors.attempt;
const MODES = (["form", "json"] as const).map((value) => ({ value, label: words.modes[value] }));

/** The input of an action, by its form or as JSON. */
export function ActionInput({ schema, isBusy, onCall }: Props) {
  const drawn = useMemo(() => drawable(schema), [schema]);
  const [mode, setMode] = useState<Mode>("form");
  const [value, setValue] = useState<unknown>({});
  return (
    <div className={styles["column"]}>
      <div>
        <Segmented
          aria-label={words.mode}
          name="action-input"
          options={MODES}
          value={mode}
          onChange={setMode}
        />
      </div>
      {mode === "form" ? (
        <>
          {!drawn.isWhole && <p className={styles["muted"]}>{words.more}</p>}
          <SchemaForm
            schema={drawn.schema}
            uiSchema={longTexts(drawn.schema)}
            value={value}
            submit={words.run}
            isBusy={isBusy}
            onChange={setValue}
            onSubmit={(input) => onCall(given(input))}
          />
        </>
      ) : (
        <JsonInput first={JSON.stringify(given(value), null, 2)} isBusy={isBusy} onCall={onCall} />
      )}
    </div>
  );
}

function JsonInput({
  first,
  isBusy,
  onCall,
}: {
  first: string;
  isBusy: boolean;
  onCall: (input: unknown) => void;
}) {
  const [text, setText] = useState(first);
  const input = read(text);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (input && !isBusy) onCall(input);
      }}
    >
      <Field label={words.input} error={input ? undefined : words.badJson}>
        {(field) => (
          <Input.TextArea
            {...field}
            className={styles["code"] ?? ""}
            value={text}
            rows={8}
            spellCheck={false}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <Button type="primary" htmlType="submit" loading={isBusy} disabled={!input} aria-label={words.run}>
        {words.run}
      </Button>
    </form>
  );
}

function read(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
