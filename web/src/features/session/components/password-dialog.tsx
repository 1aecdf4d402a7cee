import { Modal } from "antd";
import { type SubmitEvent, useId, useState } from "react";

import { isAt, problemAt } from "@/shared/api/problem";
import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useChangePasswordMutation } from "../api/change-password";
import { TextField } from "./text-field";

const EMPTY = { old: "", new: "", again: "" };

/** Changes one's own password. */
export function PasswordDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [change, { isLoading, error, isSuccess, reset }] = useChangePasswordMutation();
  const [words, setWords] = useState(EMPTY);
  const [isTried, setTried] = useState(false);
  const set = (name: keyof typeof EMPTY) => (value: string) =>
    setWords((before) => ({ ...before, [name]: value }));
  const form = useId();
  const missing = (value: string) => (isTried && !value ? texts.session.required : undefined);
  const isSame = words.again === words.new;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    if (words.old && words.new && isSame) {
      void change({ old: words.old, new: words.new });
    }
  };
  const forget = () => {
    setWords(EMPTY);
    setTried(false);
    reset();
  };
  return (
    <Modal
      open={isOpen}
      title={texts.session.passwordTitle}
      okText={isSuccess ? texts.common.close : texts.session.change}
      cancelText={texts.common.cancel}
      okButtonProps={{ loading: isLoading, ...(!isSuccess && { htmlType: "submit", form }) }}
      {...(isSuccess && { onOk: onClose })}
      onCancel={onClose}
      afterClose={forget}
      destroyOnHidden
    >
      {isSuccess ? (
        <p role="status">{texts.session.changed}</p>
      ) : (
        <form id={form} onSubmit={submit} noValidate>
          <TextField
            label={texts.session.oldPassword}
            value={words.old}
            onChange={set("old")}
            autoComplete="current-password"
            isSecret
            isFirst
            error={missing(words.old)}
          />
          <TextField
            label={texts.session.newPassword}
            value={words.new}
            onChange={set("new")}
            autoComplete="new-password"
            isSecret
            hint={texts.session.newPasswordHint}
            error={missing(words.new) ?? problemAt(error, "password")}
          />
          <TextField
            label={texts.session.repeatPassword}
            value={words.again}
            onChange={set("again")}
            autoComplete="new-password"
            isSecret
            error={isTried && !isSame ? texts.session.notSame : undefined}
          />
          {!isAt(error, "password") && <ProblemNotice problem={error} />}
        </form>
      )}
    </Modal>
  );
}
