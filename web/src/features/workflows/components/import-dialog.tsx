import UploadOutlined from "@ant-design/icons/UploadOutlined";
import { Button, Modal } from "antd";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";

import { asProblem } from "@/shared/api/problem";
import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useImportNodesMutation } from "../api/import-nodes";
import { useReplaceWorkflowMutation } from "../api/replace-workflow";
import { useCreateWorkflowMutation } from "../editor/api/create-workflow";
import { ImportProblems } from "./import-problems";
import styles from "./workflows.module.css";

interface Props {
  isOpen: boolean;
  onClose: () => void;
}

const words = texts.workflows.import;
const MOST_BYTES = 1024 * 1024;

/** Reads a workflow from a file: the DSL as YAML or JSON, or OmniFlow's node form. */
export function ImportDialog({ isOpen, onClose }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<{ name: string; text: string }>();
  const [wrong, setWrong] = useState<string>();
  const navigate = useNavigate();
  const { submit, replace, isBusy, error, reset } = useImport((id) => {
    onClose();
    void navigate(`/workflows/${encodeURIComponent(id)}`);
  });
  const choose = async (chosen: File | undefined) => {
    reset();
    if (!chosen) return;
    const isLarge = chosen.size > MOST_BYTES;
    setWrong(isLarge ? words.tooLarge : undefined);
    setFile(isLarge ? undefined : { name: chosen.name, text: await chosen.text() });
  };
  const send = () => {
    if (file) void submit(file.text);
    else setWrong(words.missing);
  };
  const isTaken = error !== undefined && asProblem(error).status === 409;
  return (
    <Modal
      open={isOpen}
      title={words.title}
      okText={isTaken ? words.replace : words.action}
      okButtonProps={{ loading: isBusy }}
      cancelText={texts.common.cancel}
      onOk={() => (isTaken && file ? void replace(file.text) : send())}
      onCancel={onClose}
      afterClose={() => {
        setFile(undefined);
        setWrong(undefined);
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
      <Button icon={<UploadOutlined />} onClick={() => input.current?.click()}>
        {words.choose}
      </Button>
      <p className={styles["muted"]} role="status">
        {wrong ?? (file && words.chosen(file.name))}
      </p>
      {isTaken ? <p role="alert">{words.exists}</p> : <ProblemNotice problem={error} />}
      <ImportProblems problem={error} />
    </Modal>
  );
}

/** The requests of an import; `onDone` is told the id of what is kept. */
function useImport(onDone: (id: string) => void) {
  const [create, creating] = useCreateWorkflowMutation();
  const [importNodes, importing] = useImportNodesMutation();
  const [put, putting] = useReplaceWorkflowMutation();
  const submit = async (text: string) => {
    const { nodesOf } = await import("../logic/source");
    const nodes = nodesOf(text);
    const answer = nodes === undefined ? await create(text) : await importNodes(nodes);
    if (answer.data) onDone(answer.data.id);
  };
  const replace = async (text: string) => {
    const { nameOf } = await import("../logic/source");
    const workflow = nameOf(text);
    const answer = workflow === undefined ? undefined : await put({ workflow, text });
    if (answer?.data) onDone(answer.data.id);
  };
  const parts = [creating, importing, putting];
  return {
    submit,
    replace,
    isBusy: parts.some(({ isLoading }) => isLoading),
    error: putting.error ?? importing.error ?? creating.error,
    reset: () => parts.forEach((part) => part.reset()),
  };
}
