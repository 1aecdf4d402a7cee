import { Button, Input, Segmented } from "antd";
import { type ReactNode, useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";

import { type InputMode, modesOf, valueOf } from "../logic/input";
import styles from "./tasks.module.css";

interface Props {
  view: Schemas["Function"] | undefined;
  submit: string;
  isBusy: boolean;
  onSubmit: (input: unknown) => void;
  /** Beside the button. */
  children?: ReactNode;
}

const words = texts.tasks.orderForm;

/** The input of a function: a form from its schema, text or JSON. Its button sends the whole. */
export function InputEditor({ view, submit, isBusy, onSubmit, children }: Props) {
  const modes = modesOf(view);
  const [mode, setMode] = useState<InputMode>(modes[0] ?? "json");
  return (
    <div className={styles["form"]}>
      {modes.length > 1 && (
        <div>
          <Segmented
            aria-label={words.mode}
            options={modes.map((value) => ({ value, label: words.modes[value] }))}
            value={mode}
            onChange={setMode}
          />
        </div>
      )}
      {mode === "form" && view?.input ? (
        <SchemaForm
          schema={view.input}
          submit={submit}
          isBusy={isBusy}
          onSubmit={(value) => onSubmit(value ?? {})}
        >
          {children}
        </SchemaForm>
      ) : (
        <Written key={mode} isJson={mode === "json"} {...{ submit, isBusy, onSubmit, children }} />
      )}
    </div>
  );
}

interface WrittenProps extends Omit<Props, "view"> {
  isJson: boolean;
}

function Written({ isJson, submit, isBusy, onSubmit, children }: WrittenProps) {
  const [text, setText] = useState("");
  const read = isJson ? valueOf(text) : { value: text };
  const isWrong = "problem" in read;
  const send = () => {
    if (!isWrong && !isBusy) onSubmit(read.value);
  };
  return (
    <>
      <Field
        label={isJson ? words.json : words.text}
        hint={isJson ? words.jsonHint : words.textHint}
        error={isWrong ? words.notJson(read.problem) : undefined}
      >
        {(input) => (
          <Input.TextArea
            {...input}
            rows={6}
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <div className={styles["foot"]}>
        <Button type="primary" loading={isBusy} disabled={isWrong} aria-label={submit} onClick={send}>
          {submit}
        </Button>
        {children}
      </div>
    </>
  );
}
