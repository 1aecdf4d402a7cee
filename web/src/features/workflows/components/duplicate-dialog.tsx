import { Input } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useSwitchWorkflowMutation } from "../api/switch-workflow";
import { useCreateWorkflowMutation } from "../editor/api/create-workflow";
import { useLazyGetWorkflowQuery } from "../editor/api/get-workflow";

interface Props {
  isOpen: boolean;
  id: string;
  title: string;
  onClose: () => void;
}

const words = texts.workflows;
const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;
const LONGEST = 63;

/** Keeps a copy under another name, switched off so that its triggers do not begin everything twice. */
export function DuplicateDialog({ isOpen, id, title, onClose }: Props) {
  const [name, setName] = useState<string>();
  const [read, reading] = useLazyGetWorkflowQuery();
  const [create, creating] = useCreateWorkflowMutation();
  const [change] = useSwitchWorkflowMutation();
  const navigate = useNavigate();
  const bare = id.slice(id.indexOf(".") + 1);
  const value = name ?? bare.slice(0, LONGEST - words.copySuffix.length) + words.copySuffix;
  const isName = NAME.test(value) && value.length <= LONGEST;
  const submit = async () => {
    const { data } = isName ? await read(id) : {};
    if (!data) return;
    const { renamed } = await import("../logic/source");
    const made = await create(renamed(data.text, value));
    if (!made.data) return;
    if (data.triggers.length > 0) await change({ workflow: made.data.id, on: false });
    onClose();
    await navigate(`/workflows/${encodeURIComponent(made.data.id)}`);
  };
  return (
    <FormDialog
      isOpen={isOpen}
      title={words.duplicateTitle(title)}
      action={words.duplicate}
      isBusy={reading.isFetching || creating.isLoading}
      problem={reading.error ?? creating.error}
      onSubmit={() => void submit()}
      onClose={onClose}
      afterClose={() => {
        setName(undefined);
        creating.reset();
      }}
    >
      <Field
        label={words.duplicateName}
        hint={words.duplicateHint}
        error={isName ? undefined : words.duplicateBad}
      >
        {(field) => (
          <Input
            {...field}
            value={value}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setName(event.target.value.trim())}
          />
        )}
      </Field>
    </FormDialog>
  );
}
