import { Button, Input, Select } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useMakeWebhookMutation } from "../api/make-webhook";

const words = texts.workflowsEditor.forms.hook;
const hooks = texts.connectors.hooks;
type Rule = Schemas["WebhookOrder"]["rule"];
const BYTES = 24;

interface Props {
  isOpen: boolean;
  name: string;
  onMade: (name: string) => void;
  onClose: () => void;
}

/** Makes a webhook with a secret that both ends know. */
export function WebhookDialog({ isOpen, name, onMade, onClose }: Props) {
  const [make, { error, isLoading, reset }] = useMakeWebhookMutation();
  const [typed, setTyped] = useState<Partial<Schemas["WebhookOrder"]>>({});
  const order = { name, rule: "github" as Rule, secret: "", ...typed };
  const submit = async () => {
    const { data } = await make(order);
    if (!data) return;
    onMade(data.name);
    onClose();
  };
  const rules = Object.entries(hooks.rules).map(([value, label]) => ({ value: value as Rule, label }));
  return (
    <FormDialog
      isOpen={isOpen}
      title={words.make}
      action={words.makeAction}
      isBusy={isLoading}
      problem={error}
      onSubmit={() => void submit()}
      onClose={onClose}
      afterClose={() => {
        setTyped({});
        reset();
      }}
    >
      <Field label={hooks.name} hint={hooks.nameHint}>
        {(input) => (
          <Input
            {...input}
            value={order.name}
            spellCheck={false}
            onChange={(event) => setTyped({ ...typed, name: event.target.value.trim() })}
          />
        )}
      </Field>
      <Field label={hooks.rule} hint={hooks.proofs[order.rule]}>
        {(input) => (
          <Select<Rule>
            id={input.id}
            style={{ width: "100%" }}
            value={order.rule}
            options={rules}
            onChange={(rule) => setTyped({ ...typed, rule })}
          />
        )}
      </Field>
      <Field label={hooks.secret} hint={words.secretHint}>
        {(input) => (
          <div style={{ display: "flex", gap: 6 }}>
            <Input
              {...input}
              value={order.secret}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped({ ...typed, secret: event.target.value })}
            />
            <Button onClick={() => setTyped({ ...typed, secret: newSecret() })}>{words.invent}</Button>
            {order.secret && <CopyButton text={order.secret} />}
          </div>
        )}
      </Field>
    </FormDialog>
  );
}

function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
