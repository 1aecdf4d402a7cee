import { Button, Input, InputNumber, Select } from "antd";
import { useState } from "react";

import { isAt, problemAt } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useAddWebhookMutation } from "../api/add-webhook";
import { useListConnectorsQuery } from "../api/list-connectors";
import { hasWindow, isOurs, madeUpSecret } from "../logic/secret";
import styles from "./connectors.module.css";

type Rule = Schemas["WebhookOrder"]["rule"];

interface Props {
  onDone: (name: string) => void;
  onClose: () => void;
}

const words = texts.connectors.hooks;
const RULES = Object.entries(words.rules).map(([value, label]) => ({ value: value as Rule, label }));
const WINDOW_S = 300;
const LONGEST_S = 86_400;

/** Adds a webhook; its address is shown when it is there. */
export function WebhookDialog({ onDone, onClose }: Props) {
  const [name, setName] = useState("");
  const [rule, setRule] = useState<Rule>("github");
  const [secret, setSecret] = useState("");
  const [connector, setConnector] = useState("");
  const [windowS, setWindowS] = useState<number | null>(WINDOW_S);
  const [isTried, setTried] = useState(false);
  const [add, { error, isLoading }] = useAddWebhookMutation();
  const { data: connectors } = useListConnectorsQuery();
  const known = connectors?.items.map((one) => ({ value: one.name, label: one.name })) ?? [];

  const submit = async () => {
    setTried(true);
    if (name.trim() === "" || secret === "") return;
    const answer = await add({
      name: name.trim(),
      rule,
      secret,
      connector: connector || null,
      window_s: windowS ?? WINDOW_S,
    });
    if (answer.error) return;
    onClose();
    onDone(answer.data.name);
  };
  const missing = (value: string, say: string) => (isTried && value.trim() === "" ? say : undefined);
  return (
    <FormDialog
      isOpen
      title={words.add}
      action={words.addAction}
      isBusy={isLoading}
      problem={isAt(error, "name", "secret", "connector") ? undefined : error}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Field
        label={words.name}
        hint={words.nameHint}
        error={missing(name, words.nameMissing) ?? problemAt(error, "name")}
      >
        {(input) => (
          <Input
            {...input}
            value={name}
            autoComplete="off"
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label={words.rule} hint={words.proofs[rule]}>
        {({ status: _, ...input }) => (
          <Select
            {...input}
            className={styles["select"] ?? ""}
            value={rule}
            options={RULES}
            onChange={setRule}
          />
        )}
      </Field>
      <Field
        label={words.secret}
        hint={words.secrets[rule]}
        error={missing(secret, words.secretMissing) ?? problemAt(error, "secret")}
      >
        {(input) => (
          <div className={styles["secret"]}>
            <Input.Password
              {...input}
              value={secret}
              autoComplete="new-password"
              onChange={(event) => setSecret(event.target.value)}
            />
            {secret !== "" && <CopyButton text={secret} label={words.copySecret} />}
            {isOurs(rule) && (
              <Button onClick={() => setSecret(madeUpSecret(rule))}>{words.makeSecret}</Button>
            )}
          </div>
        )}
      </Field>
      <Field label={words.connector} hint={words.connectorHint} error={problemAt(error, "connector")}>
        {({ status: _, ...input }) => (
          <Select
            {...input}
            className={styles["select"] ?? ""}
            value={connector}
            options={[{ value: "", label: words.noConnector }, ...known]}
            onChange={setConnector}
          />
        )}
      </Field>
      {hasWindow(rule) && (
        <Field label={words.window} hint={words.windowHint}>
          {(input) => (
            <InputNumber
              {...input}
              min={1}
              max={LONGEST_S}
              precision={0}
              value={windowS}
              onChange={setWindowS}
            />
          )}
        </Field>
      )}
    </FormDialog>
  );
}
