import { Checkbox, Input, InputNumber, Select } from "antd";
import { useState } from "react";

import { isAt, problemAt } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useMemoryTiersQuery } from "../api/memory-tiers";
import { useStoreMemoryMutation } from "../api/store-memory";
import { tierName } from "../logic/policy";
import { HOST } from "../logic/question";
import styles from "./memory.module.css";
import { OwnerSelect } from "./owner-select";

type TierName = Schemas["MemoryTier"]["tier"];

interface Props {
  isOpen: boolean;
  onClose: () => void;
}

/** Remembers something by hand. */
export function StoreDialog({ isOpen, onClose }: Props) {
  return isOpen ? <Content onClose={onClose} /> : null;
}

function Content({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [owner, setOwner] = useState(HOST);
  const [tier, setTier] = useState<TierName>("episodic");
  const [importance, setImportance] = useState<number | null>(null);
  const [source, setSource] = useState("");
  const [isPinned, setPinned] = useState(false);
  const [isTried, setTried] = useState(false);
  const { data: tiers } = useMemoryTiersQuery();
  const [store, { isLoading, error }] = useStoreMemoryMutation();
  const words = texts.memory.store;
  const isMissing = text.trim() === "";
  const policy = tiers?.items.find((one) => one.tier === tier);

  const submit = async () => {
    setTried(true);
    if (isMissing) return;
    const body = { text, tier, importance, source: source.trim() || null, pinned: isPinned };
    const answer = await store({ owner, body });
    if (!answer.error) onClose();
  };
  return (
    <FormDialog
      isOpen
      title={words.title}
      action={words.action}
      isBusy={isLoading}
      problem={isAt(error, "text", "importance") ? undefined : error}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Field
        label={words.text}
        hint={words.textHint}
        error={isTried && isMissing ? words.textMissing : problemAt(error, "text")}
      >
        {(input) => (
          <Input.TextArea
            {...input}
            value={text}
            rows={4}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <div className={styles["pair"]}>
        <Field label={texts.memory.tier} hint={policy?.purpose}>
          {({ status: _, ...input }) => (
            <Select
              {...input}
              className={styles["select"] ?? ""}
              value={tier}
              options={(tiers?.items ?? []).map((one) => ({ value: one.tier, label: tierName(one.tier) }))}
              onChange={setTier}
            />
          )}
        </Field>
        <Field label={texts.memory.owner} hint={texts.memory.ownerHint}>
          {({ id, "aria-describedby": described }) => (
            <OwnerSelect id={id} aria-describedby={described} value={owner} onChange={setOwner} />
          )}
        </Field>
        <Field
          label={texts.memory.importance}
          hint={words.importanceHint}
          error={problemAt(error, "importance")}
        >
          {(input) => (
            <InputNumber
              {...input}
              className={styles["select"] ?? ""}
              min={0}
              max={1}
              step={0.1}
              value={importance}
              onChange={setImportance}
            />
          )}
        </Field>
        <Field label={words.source} hint={words.sourceHint}>
          {(input) => (
            <Input
              {...input}
              value={source}
              autoComplete="off"
              onChange={(event) => setSource(event.target.value)}
            />
          )}
        </Field>
      </div>
      <Checkbox checked={isPinned} onChange={(event) => setPinned(event.target.checked)}>
        {words.pinned}
      </Checkbox>
    </FormDialog>
  );
}
