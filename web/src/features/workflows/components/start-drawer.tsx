import { Button, Drawer, Input, Segmented } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";

import { useStartRunMutation } from "../api/start-run";
import { inputSchema, valueOf } from "../logic/input";
import styles from "./workflows.module.css";

interface Props {
  isOpen: boolean;
  workflow: Schemas["Workflow"];
  onClose: () => void;
  onStarted: (run: string) => void;
}

type Mode = "form" | "json";

const words = texts.workflows.start;

/** Starts a run with an input: in a form made from the schema of the input, or as JSON. */
export function StartDrawer({ isOpen, workflow, onClose, onStarted }: Props) {
  return (
    <Drawer
      open={isOpen}
      title={words.title(workflow.title || workflow.name)}
      size={Math.min(560, window.innerWidth)}
      mask={{ closable: false }} // a click beside it would throw away what was typed
      onClose={onClose}
      destroyOnHidden
    >
      {isOpen && <StartForm {...{ workflow, onClose, onStarted }} />}
    </Drawer>
  );
}

function StartForm({ workflow, onClose, onStarted }: Omit<Props, "isOpen">) {
  const schema = inputSchema(workflow.document);
  const hasForm = schema?.["type"] === "object";
  const [mode, setMode] = useState<Mode>(hasForm ? "form" : "json");
  const [text, setText] = useState("");
  const [start, { error, isLoading }] = useStartRunMutation();
  const read = valueOf(text);
  const isWrong = "problem" in read;
  const send = async (input: unknown) => {
    const { data } = await start({ workflow: workflow.id, input });
    if (data) onStarted(data.id);
  };
  const cancel = <Button onClick={onClose}>{texts.common.cancel}</Button>;
  return (
    <div className={styles["stack"]}>
      {hasForm && (
        <div>
          <Segmented<Mode>
            aria-label={words.mode}
            value={mode}
            options={(["form", "json"] as const).map((value) => ({ value, label: words.modes[value] }))}
            onChange={setMode}
          />
        </div>
      )}
      {mode === "form" && schema ? (
        <SchemaForm
          schema={schema}
          submit={words.submit}
          isBusy={isLoading}
          onSubmit={(value) => void send(value ?? {})}
        >
          {cancel}
        </SchemaForm>
      ) : (
        <>
          <Field
            label={words.json}
            hint={words.jsonHint}
            error={isWrong ? words.notJson(read.problem) : undefined}
          >
            {(field) => (
              <Input.TextArea
                {...field}
                rows={8}
                spellCheck={false}
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            )}
          </Field>
          <div className={styles["bar"]}>
            <Button
              type="primary"
              loading={isLoading}
              disabled={isWrong}
              aria-label={words.submit}
              onClick={() => {
                if (!isWrong) void send(read.value);
              }}
            >
              {words.submit}
            </Button>
            {cancel}
          </div>
        </>
      )}
      <ProblemNotice problem={error} />
    </div>
  );
}
