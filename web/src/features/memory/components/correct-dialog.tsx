import { Input } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useChangeMemoryMutation } from "../api/change-memory";
import { useStoreMemoryMutation } from "../api/store-memory";

interface Props {
  memory: Schemas["Memory"];
  /** Told of the memory that takes its place. */
  onDone: (id: string) => void;
  onClose: () => void;
}

/** Stores what is true instead, and has it take the place of the memory. */
export function CorrectDialog({ memory, onDone, onClose }: Props) {
  const [text, setText] = useState(memory.text);
  const [store, storing] = useStoreMemoryMutation();
  const [change, changing] = useChangeMemoryMutation();
  const words = texts.memory.detail;
  const isSame = text.trim() === "" || text.trim() === memory.text.trim();

  const submit = async () => {
    if (isSame) return;
    const { tier, importance, metadata } = memory;
    const stored = await store({ owner: memory.owner, body: { text, tier, importance, metadata } });
    if (stored.error) return;
    const changed = await change({ id: memory.id, change: { superseded_by: stored.data.id } });
    if (changed.error) return;
    onClose();
    onDone(stored.data.id);
  };
  return (
    <FormDialog
      isOpen
      title={words.correctTitle}
      action={words.correct}
      isBusy={storing.isLoading || changing.isLoading}
      problem={storing.error ?? changing.error}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <p>{words.correctLead}</p>
      <Field label={words.correctText}>
        {(input) => (
          <Input.TextArea
            {...input}
            value={text}
            rows={4}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
