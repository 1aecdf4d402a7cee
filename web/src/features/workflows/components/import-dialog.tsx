import UploadOutlined from "@ant-design/icons/UploadOutlined";
import { Button, Input, Modal } from "antd";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";

import { asProblem } from "@/shared/api/problem";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useReplaceWorkflowMutation } from "../api/replace-workflow";
import { useCreateWorkflowMutation } from "../editor/api/create-workflow";
import { useLazyValidateWorkflowQuery } from "../editor/api/validate-workflow";
import { nameOf } from "../editor/use-saving";
import { ImportProblems } from "./import-problems";
import styles from "./workflows.module.css";

interface Props {
  isOpen: boolean;
  onClose: () => void;
}

const words = texts.workflows.import;
const MOST_BYTES = 1024 * 1024;
const ROWS = 8;

/** Takes a workflow as text, pasted or from a file: the DSL as YAML or JSON, or OmniFlow's node form. */
export function ImportDialog({ isOpen, onClose }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [told, setTold] = useState<string>();
  const [isReading, setReading] = useState(false);
  const navigate = useNavigate();
  const { submit, replace, isBusy, error, reset } = useImport((id) => {
    onClose();
    void navigate(`/workflows/${encodeURIComponent(id)}`);
  });
  const choose = async (chosen: File | undefined) => {
    reset();
    if (!chosen) return;
    const isLarge = chosen.size > MOST_BYTES;
    setReading(true); // what was there before is not imported meanwhile
    try {
      setText(isLarge ? "" : await chosen.text());
      setTold(isLarge ? words.tooLarge : words.chosen(chosen.name));
    } catch {
      setTold(words.unreadable(chosen.name));
    } finally {
      setReading(false);
    }
  };
  const send = () => {
    if (!text.trim()) setTold(words.missing);
    else if (new Blob([text]).size > MOST_BYTES) setTold(words.tooLarge);
    else void submit(text);
  };
  const isTaken = error !== undefined && asProblem(error).status === 409;
  return (
    <Modal
      open={isOpen}
      title={words.title}
      okText={isTaken ? words.replace : words.action}
      okButtonProps={{ loading: isBusy, disabled: isReading }}
      cancelText={texts.common.cancel}
      onOk={() => (isTaken ? void replace(text) : send())}
      onCancel={onClose}
      afterClose={() => {
        setText("");
        setTold(undefined);
        reset();
      }}
      destroyOnHidden
    >
      <p>{words.text}</p>
      <input
        ref={input}
        type="file"
        hidden
        accept=".yaml,.yml,.json"
        aria-label={words.file}
        onChange={(event) => {
          void choose(event.target.files?.[0]);
          event.target.value = ""; // so that the same file can be chosen again
        }}
      />
      <Field label={words.source} hint={words.hint}>
        {(field) => (
          <Input.TextArea
            {...field}
            className={styles["source"] ?? ""}
            value={text}
            rows={ROWS}
            spellCheck={false}
            onChange={(event) => {
              reset();
              setTold(undefined);
              setText(event.target.value);
            }}
          />
        )}
      </Field>
      <Button icon={<UploadOutlined aria-hidden />} onClick={() => input.current?.click()}>
        {words.choose}
      </Button>
      <p className={styles["muted"]} role="status">
        {told}
      </p>
      {isTaken ? <p role="alert">{words.exists}</p> : <ProblemNotice problem={error} />}
      <ImportProblems problem={error} />
    </Modal>
  );
}

/** The requests of an import; `onDone` is told the id of what is kept. The host knows which form a text has. */
function useImport(onDone: (id: string) => void) {
  const [create, creating] = useCreateWorkflowMutation();
  const [put, putting] = useReplaceWorkflowMutation();
  const [check, checking] = useLazyValidateWorkflowQuery();
  const submit = async (text: string) => {
    const { data } = await create(text);
    if (data) onDone(data.id);
  };
  const replace = async (text: string) => {
    const checked = await check(text);
    const document = checked.data?.document;
    const answer = document ? await put({ workflow: nameOf(document), text }) : undefined;
    if (answer?.data) onDone(answer.data.id);
  };
  return {
    submit,
    replace,
    isBusy: creating.isLoading || putting.isLoading || checking.isFetching,
    error: putting.error ?? creating.error,
    reset: () => {
      creating.reset();
      putting.reset();
    },
  };
}
