import { Input } from "antd";
import { useState } from "react";

import { isAt, problemAt } from "@/shared/api/problem";
import type { Role } from "@/shared/api/session";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useAddUserMutation } from "../api/add-user";
import { type PluginRole, rolesOf } from "../plugin-roles";
import { PasswordField } from "./password-field";
import { RoleFields } from "./role-fields";
import styles from "./tab.module.css";

interface Props {
  isOpen: boolean;
  /** There is nobody yet, so it has to be an administrator. */
  isFirst: boolean;
  onClose: () => void;
}

interface Draft {
  name: string;
  role: Role;
  plugins: PluginRole[];
  password: string;
}

const EMPTY: Draft = { name: "", role: "viewer", plugins: [], password: "" };

/** Makes a user. */
export function AddUserDialog({ isOpen, isFirst, onClose }: Props) {
  const [add, { isLoading, error, reset }] = useAddUserMutation();
  const [draft, setDraft] = useState(EMPTY);
  const [isTried, setTried] = useState(false);
  const words = texts.settings.users;
  const role = isFirst ? "admin" : draft.role;
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const missing = (value: string) => (isTried && !value ? words.required : undefined);
  const submit = () => {
    setTried(true);
    const { name, password, plugins } = draft;
    if (!name.trim() || !password) return;
    void add({ name: name.trim(), password, role, plugins: rolesOf(plugins) }).then((answer) => {
      if (!answer.error) onClose();
    });
  };
  const forget = () => {
    setDraft(EMPTY);
    setTried(false);
    reset();
  };
  return (
    <FormDialog
      isOpen={isOpen}
      title={words.addTitle}
      action={texts.common.add}
      isBusy={isLoading}
      problem={isAt(error, "name", "password") ? undefined : error}
      onSubmit={submit}
      onClose={onClose}
      afterClose={forget}
    >
      {isFirst && <p className={styles["muted"]}>{words.firstHint}</p>}
      <Field label={words.name} hint={words.nameHint} error={missing(draft.name) ?? problemAt(error, "name")}>
        {(input) => (
          <Input
            {...input}
            value={draft.name}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            onChange={(event) => set({ name: event.target.value })}
          />
        )}
      </Field>
      <PasswordField
        value={draft.password}
        onChange={(password) => set({ password })}
        error={missing(draft.password) ?? problemAt(error, "password")}
      />
      <RoleFields
        role={role}
        onRole={(chosen) => set({ role: chosen })}
        plugins={draft.plugins}
        onPlugins={(plugins) => set({ plugins })}
        isFixed={isFirst}
      />
    </FormDialog>
  );
}
