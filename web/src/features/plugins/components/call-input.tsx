import { Button, Input, Segmented } from "antd";
import { useId, useRef, useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";
import { bytes } from "@/shared/ui/units";

import { type Given, type InputMode, typedBytes, written } from "../logic/input";
import { safeSchema } from "../logic/safe-schema";
import styles from "./functions.module.css";

interface Props {
  view: Schemas["Function"];
  modes: InputMode[];
  initial: { mode: InputMode; value: unknown } | undefined;
  isBusy: boolean;
  onCall: (given: Given) => void;
}

const words = texts.plugins.calls;

/** The input: a form from the schema, or text, bytes, a file. */
export function CallInput({ view, modes, initial, isBusy, onCall }: Props) {
  const first = initial && modes.includes(initial.mode) ? initial.mode : (modes[0] ?? "text");
  const [mode, setMode] = useState(first);
  const kept = initial?.mode === mode ? initial.value : undefined;
  return (
    <>
      {modes.length > 1 && (
        <Segmented
          className={styles["modes"] ?? ""}
          aria-label={words.mode}
          options={modes.map((value) => ({ value, label: words.modes[value] }))}
          value={mode}
          onChange={setMode}
        />
      )}
      {mode === "form" && view.input && (
        <SchemaForm
          schema={safeSchema(view.input)}
          value={kept}
          submit={words.call}
          isBusy={isBusy}
          onSubmit={(value) => {
            const text = written(value, view);
            onCall({ mode, value, text, body: new Blob([text]) });
          }}
        />
      )}
      {mode === "file" && <FileInput isBusy={isBusy} onCall={onCall} />}
      {mode !== "form" && mode !== "file" && (
        <TextInput
          key={mode}
          mode={mode}
          initial={typeof kept === "string" ? kept : ""}
          isBusy={isBusy}
          onCall={onCall}
        />
      )}
    </>
  );
}

const HINTS = { text: words.textHint, json: words.jsonHint, hex: words.hexHint };

interface TextProps {
  mode: keyof typeof HINTS;
  initial: string;
  isBusy: boolean;
  onCall: (given: Given) => void;
}

function TextInput({ mode, initial, isBusy, onCall }: TextProps) {
  const [text, setText] = useState(initial);
  const id = useId();
  const body = typedBytes(mode, text);
  const send = () => {
    if (body && !isBusy) onCall({ mode, value: text, text, body: new Blob([body]) });
  };
  return (
    <form
      className={styles["form"]}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label htmlFor={id}>{words.input}</label>
      <Input.TextArea
        id={id}
        className={styles["typed"] ?? ""}
        value={text}
        rows={4} // not autoSize, which measures by a style that the content security policy forbids
        spellCheck={false}
        aria-describedby={`${id}-hint`}
        aria-invalid={!body}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          send();
        }}
      />
      <p id={`${id}-hint`} className={body ? styles["muted"] : styles["bad"]}>
        {body ? HINTS[mode] : words.badHex}
      </p>
      <Button type="primary" htmlType="submit" loading={isBusy} disabled={!body} aria-label={words.call}>
        {words.call}
      </Button>
    </form>
  );
}

function FileInput({ isBusy, onCall }: { isBusy: boolean; onCall: (given: Given) => void }) {
  const [file, setFile] = useState<File>();
  const input = useRef<HTMLInputElement>(null);
  return (
    <form
      className={styles["form"]}
      onSubmit={(event) => {
        event.preventDefault();
        if (file)
          onCall({ mode: "file", value: undefined, text: undefined, body: file, fileName: file.name });
      }}
    >
      <div className={styles["file"]}>
        <input
          ref={input}
          type="file"
          hidden
          aria-label={words.file}
          onChange={(event) => setFile(event.target.files?.[0])}
        />
        <Button onClick={() => input.current?.click()}>{words.chooseFile}</Button>
        <span>{file ? `${file.name} (${bytes(file.size)})` : words.noFile}</span>
      </div>
      <Button type="primary" htmlType="submit" loading={isBusy} disabled={!file} aria-label={words.call}>
        {words.call}
      </Button>
    </form>
  );
}
