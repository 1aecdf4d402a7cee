import { Button, Drawer, Input, InputNumber } from "antd";
import { useState } from "react";
import { useSearchParams } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useListTaskPluginsQuery } from "../api/list-task-plugins";
import { useSubmitTaskMutation } from "../api/submit-task";
import { choicesOf } from "../logic/input";
import { FunctionField } from "./function-field";
import { InputEditor } from "./input-editor";
import styles from "./tasks.module.css";

interface Props {
  isOpen: boolean;
  onClose: () => void;
  onOrdered: (task: string) => void;
}

type Options = Pick<Schemas["TaskOrder"], "queue" | "priority" | "attempts" | "delay_s" | "timeout_s">;

const words = texts.tasks.orderForm;

/** Orders one task: a function, its input, and what else it needs. */
export function OrderDrawer({ isOpen, onClose, onOrdered }: Props) {
  return (
    <Drawer
      open={isOpen}
      title={words.title}
      size={Math.min(560, window.innerWidth)}
      mask={{ closable: false }} // a click beside it would throw away what was typed
      onClose={onClose}
      destroyOnHidden
    >
      {isOpen && <OrderForm onClose={onClose} onOrdered={onOrdered} />}
    </Drawer>
  );
}

function OrderForm({ onClose, onOrdered }: Omit<Props, "isOpen">) {
  const [query] = useSearchParams();
  const plugins = useListTaskPluginsQuery();
  const [order, { error, isLoading }] = useSubmitTaskMutation();
  const [ref, setRef] = useState(query.get("function") ?? undefined);
  const [options, setOptions] = useState<Options>({});
  const [isMissing, setMissing] = useState(false);
  const choices = choicesOf(plugins.data?.items ?? []);
  const view = choices.find((one) => one.ref === ref)?.view;
  const send = async (input: unknown) => {
    setMissing(ref === undefined);
    if (ref === undefined) return;
    const { data } = await order({ function: ref, input, ...options });
    if (data) onOrdered(data.id);
  };
  if (plugins.isLoading) return <Loading rows={6} />;
  return (
    <div className={styles["form"]}>
      <ProblemNotice problem={plugins.error} onRetry={() => void plugins.refetch()} />
      <FunctionField
        choices={choices}
        isLoading={plugins.isFetching}
        value={ref}
        error={isMissing && ref === undefined ? words.needed : undefined}
        onChange={setRef}
      />
      <MoreOptions value={options} onChange={setOptions} />
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

interface MoreProps {
  value: Options;
  onChange: (value: Options) => void;
}

/** What seldom differs from what the host has for it; only what is written is sent. */
function MoreOptions({ value, onChange }: MoreProps) {
  const set = (name: keyof Options, given: string | number | null) => {
    const { [name]: _old, ...rest } = value;
    onChange(given === null || given === "" ? rest : { ...rest, [name]: given });
  };
  return (
    <details className={styles["options"]}>
      <summary>{words.options}</summary>
      <div className={styles["pair"]}>
        <Field label={words.queue}>
          {(input) => (
            <Input
              {...input}
              placeholder="default"
              maxLength={64}
              value={value.queue ?? ""}
              onChange={(event) => set("queue", event.target.value)}
            />
          )}
        </Field>
        <Figure
          label={words.priority}
          hint={words.priorityHint}
          least={0}
          most={9}
          usual="5"
          onSet={(given) => set("priority", given)}
        />
        <Figure
          label={words.attempts}
          hint={words.attemptsHint}
          least={1}
          most={20}
          usual="3"
          onSet={(given) => set("attempts", given)}
        />
        <Figure
          label={words.delay}
          hint={words.seconds}
          least={0}
          usual="0"
          onSet={(given) => set("delay_s", given)}
        />
        <Figure
          label={words.timeout}
          hint={words.seconds}
          least={0.001}
          onSet={(given) => set("timeout_s", given)}
        />
      </div>
    </details>
  );
}

interface FigureProps {
  label: string;
  hint: string;
  least: number;
  most?: number;
  usual?: string;
  onSet: (value: number | null) => void;
}

function Figure({ label, hint, least, most, usual = "", onSet }: FigureProps) {
  return (
    <Field label={label} hint={hint}>
      {(input) => (
        <InputNumber<number>
          {...input}
          min={least}
          {...(most !== undefined && { max: most })}
          placeholder={usual}
          onChange={onSet}
        />
      )}
    </Field>
  );
}
