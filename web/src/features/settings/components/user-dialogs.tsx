import { useState } from "react";

import { isAt, problemAt } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useChangeUserMutation } from "../api/change-user";
import { useRemoveUserMutation } from "../api/remove-user";
import { linesOf, rolesOf } from "../plugin-roles";
import { PasswordField } from "./password-field";
import { RoleFields } from "./role-fields";
import styles from "./tab.module.css";

type User = Schemas["User"];

export interface Doing {
  what: "roles" | "password" | "disable" | "enable" | "remove";
  user: User;
}

interface Props {
  doing: Doing | undefined;
  onClose: () => void;
}

/** The dialogs of what is done with a user; one is open at a time. */
export function UserDialogs({ doing, onClose }: Props) {
  if (!doing) return null;
  const { what, user } = doing;
  if (what === "roles") return <RolesDialog key={user.id} user={user} onClose={onClose} />;
  if (what === "password") return <ResetDialog key={user.id} user={user} onClose={onClose} />;
  if (what === "remove") return <RemoveDialog key={user.id} user={user} onClose={onClose} />;
  return <SwitchDialog key={user.id} user={user} onClose={onClose} />;
}

function RolesDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [change, { isLoading, error }] = useChangeUserMutation();
  const [role, setRole] = useState(user.role);
  const [plugins, setPlugins] = useState(() => linesOf(user.plugins));
  const words = texts.settings.users;
  const submit = () =>
    void change({ name: user.name, change: { role, plugins: rolesOf(plugins) } }).then((answer) => {
      if (!answer.error) onClose();
    });
  return (
    <FormDialog
      isOpen
      title={words.editTitle(user.name)}
      action={words.saveRoles}
      isBusy={isLoading}
      problem={error}
      onSubmit={submit}
      onClose={onClose}
    >
      <RoleFields role={role} onRole={setRole} plugins={plugins} onPlugins={setPlugins} />
      <p className={styles["muted"]}>{words.sessionsEnd}</p>
    </FormDialog>
  );
}

function ResetDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [change, { isLoading, error }] = useChangeUserMutation();
  const [password, setPassword] = useState("");
  const [isTried, setTried] = useState(false);
  const words = texts.settings.users;
  const submit = () => {
    setTried(true);
    if (!password) return;
    void change({ name: user.name, change: { password } }).then((answer) => {
      if (!answer.error) onClose();
    });
  };
  return (
    <FormDialog
      isOpen
      title={words.passwordTitle(user.name)}
      action={words.savePassword}
      isBusy={isLoading}
      problem={isAt(error, "password") ? undefined : error}
      onSubmit={submit}
      onClose={onClose}
    >
      <PasswordField
        value={password}
        onChange={setPassword}
        error={isTried && !password ? words.required : problemAt(error, "password")}
      />
      <p className={styles["muted"]}>{words.sessionsEnd}</p>
    </FormDialog>
  );
}

function SwitchDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [change, { isLoading, error }] = useChangeUserMutation();
  const words = texts.settings.users;
  return (
    <ConfirmDialog
      isOpen
      title={user.disabled ? words.enableTitle(user.name) : words.disableTitle(user.name)}
      action={user.disabled ? words.enable : words.disable}
      isBusy={isLoading}
      problem={error}
      onConfirm={() =>
        void change({ name: user.name, change: { disabled: !user.disabled } }).then((answer) => {
          if (!answer.error) onClose();
        })
      }
      onClose={onClose}
    >
      {user.disabled ? words.enableText : words.disableText}
    </ConfirmDialog>
  );
}

function RemoveDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const [remove, { isLoading, error }] = useRemoveUserMutation();
  const words = texts.settings.users;
  return (
    <ConfirmDialog
      isOpen
      title={words.removeTitle(user.name)}
      action={words.remove}
      name={user.name}
      isBusy={isLoading}
      problem={error}
      onConfirm={() =>
        void remove(user.name).then((answer) => {
          if (!answer.error) onClose();
        })
      }
      onClose={onClose}
    >
      {words.removeText}
    </ConfirmDialog>
  );
}
