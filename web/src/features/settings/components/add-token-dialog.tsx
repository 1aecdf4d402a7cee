import { Input, Select } from "antd";
import { useState } from "react";

import { isAt, problemAt } from "@/shared/api/problem";
import { type Role, useGetSessionQuery } from "@/shared/api/session";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useAddTokenMutation } from "../api/add-token";
import { useListScopesQuery } from "../api/list-scopes";
import { type PluginRole, rolesOf } from "../plugin-roles";
import styles from "./role-fields.module.css";
import { RoleFields } from "./role-fields";
import { SecretDialog } from "./secret-dialog";

type Lasts = keyof typeof texts.settings.tokens.lasts;

interface Draft {
  name: string;
  role: Role;
  plugins: PluginRole[];
  scopes: string[];
  lasts: Lasts;
}

const EMPTY: Draft = { name: "", role: "viewer", plugins: [], scopes: [], lasts: "default" };
const LASTS: Lasts[] = ["default", "1", "7", "30", "90", "365"];
const DAY_S = 86_400;

/** Makes a token and shows its secret, this once. */
export function AddTokenDialog({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [add, { data: made, isLoading, error, reset }] = useAddTokenMutation();
  const [draft, setDraft] = useState(EMPTY);
  const [isTried, setTried] = useState(false);
  const { data: session } = useGetSessionQuery();
  const words = texts.settings.tokens;
  const most = session?.user?.role ?? "nobody";
  const role = most === "nobody" ? "nobody" : draft.role;
  const set = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const submit = () => {
    setTried(true);
    if (draft.name.trim()) void add(orderOf({ ...draft, role }, Date.now() / 1000));
  };
  const forget = () => {
    setDraft(EMPTY);
    setTried(false);
  };
  const close = () => {
    reset(); // nothing keeps the secret after this
    forget();
    onClose();
  };
  if (made) return <SecretDialog secret={made.secret} name={made.name} onClose={close} />;
  return (
    <FormDialog
      isOpen={isOpen}
      title={words.addTitle}
      action={words.add}
      isBusy={isLoading}
      problem={isAt(error, "name") ? undefined : error}
      onSubmit={submit}
      onClose={close}
    >
      <Field
        label={words.name}
        hint={words.nameHint}
        error={isTried && !draft.name.trim() ? texts.settings.users.required : problemAt(error, "name")}
      >
        {(input) => (
          <Input
            {...input}
            value={draft.name}
            autoComplete="off"
            maxLength={100}
            onChange={(event) => set({ name: event.target.value })}
          />
        )}
      </Field>
      <RoleFields
        role={role}
        onRole={(chosen) => set({ role: chosen })}
        plugins={draft.plugins}
        onPlugins={(plugins) => set({ plugins })}
        most={most}
      />
      <Scopes value={draft.scopes} onChange={(scopes) => set({ scopes })} />
      <Field label={words.expires}>
        {(input) => (
          <Select
            {...input}
            className={styles["select"] ?? ""}
            value={draft.lasts}
            options={LASTS.map((value) => ({ value, label: words.lasts[value] }))}
            onChange={(lasts) => set({ lasts })}
          />
        )}
      </Field>
    </FormDialog>
  );
}

function Scopes({ value, onChange }: { value: string[]; onChange: (scopes: string[]) => void }) {
  const { data: known = [], isLoading } = useListScopesQuery();
  const words = texts.settings.tokens;
  return (
    <Field label={words.scopes} hint={words.scopesHint}>
      {(input) => (
        <Select
          {...input}
          className={styles["select"] ?? ""}
          mode="multiple"
          value={value}
          loading={isLoading}
          options={known.map((scope) => ({ value: scope, label: scope }))}
          onChange={onChange}
        />
      )}
    </Field>
  );
}

/** What the API is asked for. */
function orderOf(draft: Draft, now: number): Schemas["TokenOrder"] {
  return {
    name: draft.name.trim(),
    role: draft.role,
    plugins: rolesOf(draft.plugins),
    scopes: draft.scopes.length > 0 ? draft.scopes : null,
    expires_at: draft.lasts === "default" ? null : Math.floor(now) + Number(draft.lasts) * DAY_S,
  };
}
