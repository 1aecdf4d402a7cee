import { Input, Modal } from "antd";
import { type ReactNode, useId, useState } from "react";

import { texts } from "@/shared/texts";

import { ProblemNotice } from "./problem-notice";

interface Props {
  isOpen: boolean;
  /** A question: Remove the plugin counter? */
  title: string;
  /** What it means, and what cannot be undone. */
  children: ReactNode;
  /** The button's word: Remove. */
  action: string;
  /** The name to type; without one the button is enough. For what cannot be undone. */
  name?: string;
  isBusy?: boolean;
  problem?: unknown;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that matters; the name has to be typed for what cannot be undone. */
export function ConfirmDialog({ isOpen, onConfirm, onClose, ...rest }: Props) {
  const { title, children, action, name, isBusy = false, problem } = rest;
  const [typed, setTyped] = useState("");
  const id = useId();
  const isRight = name === undefined || typed.trim() === name;
  const confirm = () => {
    if (isRight && !isBusy) onConfirm();
  };
  return (
    <Modal
      open={isOpen}
      title={title}
      okText={action}
      okButtonProps={{ danger: true, disabled: !isRight, loading: isBusy }}
      cancelText={texts.common.cancel}
      onOk={confirm}
      onCancel={onClose}
      afterClose={() => setTyped("")}
      destroyOnHidden
    >
      <div>{children}</div>
      {name !== undefined && (
        <div style={{ margin: "16px 0 4px" }}>
          <label htmlFor={id}>{texts.common.typeToConfirm(name)}</label>
          <Input
            id={id}
            value={typed}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
            onPressEnter={confirm}
          />
        </div>
      )}
      <ProblemNotice problem={problem} />
    </Modal>
  );
}
