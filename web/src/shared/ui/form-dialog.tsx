import { Modal } from "antd";
import { type KeyboardEvent, type ReactNode, type SubmitEvent, useEffect, useId, useRef } from "react";

import { texts } from "@/shared/texts";

import { ProblemNotice } from "./problem-notice";

interface Props {
  isOpen: boolean;
  title: string;
  /** The button's word. */
  action: string;
  isBusy: boolean;
  /** What is no field's own problem. */
  problem?: unknown;
  onSubmit: () => void;
  onClose: () => void;
  /** Called when it is gone, where its holder keeps what was typed. */
  afterClose?: () => void;
  children: ReactNode;
}

/** A form in a dialog; Enter sends it. What it holds is made anew each time it opens. */
export function FormDialog(props: Props) {
  const { isOpen, title, action, isBusy, problem, onSubmit, onClose, afterClose, children } = props;
  const id = useId();
  return (
    <Modal
      open={isOpen}
      title={title}
      okText={action}
      okButtonProps={{ htmlType: "submit", form: id, loading: isBusy }}
      cancelText={texts.common.cancel}
      onCancel={onClose}
      mask={{ closable: false }} // a click beside it would throw away what was typed
      {...(afterClose && { afterClose })}
      destroyOnHidden
    >
      <Form
        id={id}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy) onSubmit();
        }}
      >
        {children}
        <ProblemNotice problem={problem} />
      </Form>
    </Modal>
  );
}

interface FormProps {
  id: string;
  onSubmit: (event: SubmitEvent) => void;
  children: ReactNode;
}

function Form({ id, onSubmit, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input, textarea")?.focus();
  }, []);
  return (
    // Enter is a new line in some fields; with Ctrl it sends from everywhere.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <form ref={form} id={id} onSubmit={onSubmit} onKeyDown={sendByKeys} noValidate>
      {children}
    </form>
  );
}

function sendByKeys(event: KeyboardEvent<HTMLFormElement>): void {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  event.currentTarget.requestSubmit();
}
