import { Button, Drawer, Input, Select } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useAddScheduleMutation } from "../api/add-schedule";
import { useListTaskPluginsQuery } from "../api/list-task-plugins";
import { choicesOf } from "../logic/input";
import { firstWhen, specOf } from "../logic/when";
import { FunctionField } from "./function-field";
import { InputEditor } from "./input-editor";
import styles from "./tasks.module.css";
import { WhenFields } from "./when-fields";

interface Props {
  isOpen: boolean;
  onClose: () => void;
  onAdded: (name: string) => void;
}

type Missed = Schemas["Schedule"]["missed"];

const words = texts.tasks.schedules;
const RULES: readonly Missed[] = ["one", "skip", "all"];

/** Adds a schedule: what is called, when, and with which input. */
export function AddScheduleDrawer({ isOpen, onClose, onAdded }: Props) {
  return (
    <Drawer
      open={isOpen}
      title={words.title}
      size={Math.min(600, window.innerWidth)}
      mask={{ closable: false }} // a click beside it would throw away what was typed
      onClose={onClose}
      destroyOnHidden
    >
      {isOpen && <ScheduleForm onClose={onClose} onAdded={onAdded} />}
    </Drawer>
  );
}

function ScheduleForm({ onClose, onAdded }: Omit<Props, "isOpen">) {
  const plugins = useListTaskPluginsQuery();
  const [add, { error, isLoading }] = useAddScheduleMutation();
  const [name, setName] = useState("");
  const [ref, setRef] = useState<string>();
  const [when, setWhen] = useState(firstWhen);
  const [missed, setMissed] = useState<Missed>("one");
  const [isTried, setTried] = useState(false);
  const choices = choicesOf(plugins.data?.items ?? []);
  const view = choices.find((one) => one.ref === ref)?.view;
  const spec = specOf(when);

  const send = async (input: unknown) => {
    setTried(true);
    if (!name.trim() || ref === undefined || !spec) return;
    const { kind, timezone } = when;
    const order = { name: name.trim(), function: ref, kind, spec, timezone, missed, input };
    const { data } = await add(order);
    if (data) onAdded(data.name);
  };
  if (plugins.isLoading) return <Loading rows={8} />;
  return (
    <div className={styles["form"]}>
      <ProblemNotice problem={plugins.error} onRetry={() => void plugins.refetch()} />
      <Field
        label={words.name}
        hint={words.nameHint}
        error={isTried && !name.trim() ? words.nameNeeded : undefined}
      >
        {(input) => (
          <Input
            {...input}
            maxLength={100}
            autoComplete="off"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <FunctionField
        choices={choices}
        isLoading={plugins.isFetching}
        value={ref}
        error={isTried && ref === undefined ? texts.tasks.orderForm.needed : undefined}
        onChange={setRef}
      />
      <WhenFields when={when} onChange={setWhen} />
      <Field label={words.missed}>
        {(input) => (
          <Select
            {...input}
            value={missed}
            options={RULES.map((rule) => ({ value: rule, label: words.missedRules[rule] }))}
            onChange={setMissed}
          />
        )}
      </Field>
      <InputEditor
        key={ref ?? ""}
        view={view}
        submit={words.submit}
        isBusy={isLoading}
        onSubmit={(input) => void send(input)}
      >
        <Button onClick={onClose}>{texts.common.cancel}</Button>
      </InputEditor>
      <ProblemNotice problem={error} />
    </div>
  );
}
