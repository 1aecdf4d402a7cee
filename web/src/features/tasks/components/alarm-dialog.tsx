import { Input, InputNumber, Select, Switch } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { usePutAlarmMutation } from "../api/alarms";

type Alarm = Schemas["Alarm"];
type Order = Schemas["AlarmOrder"];

const words = texts.tasks.alarms;
const KINDS = ["function", "workflow", "queue"] as const;
const OF_CALLS = ["error_rate", "p95_ms", "failures", "calls"] as const;
const SIDES = ["above", "below"] as const;

const NEW: Order = {
  kind: "function",
  target: "*",
  figure: "error_rate",
  threshold: 0.1,
  side: "above",
  clear: null,
  window_s: 300,
  least_calls: 1,
  connector: null,
  workflow: null,
  enabled: true,
  input: null,
};

/** Sets an alarm: the figure, when it fires, and who is told. */
export function AlarmDialog({ alarm, onClose }: { alarm: Alarm | undefined; onClose: () => void }) {
  const [put, { error, isLoading }] = usePutAlarmMutation();
  const [name, setName] = useState(alarm?.name ?? "");
  const [order, setOrder] = useState<Order>(() => (alarm ? orderOf(alarm) : NEW));
  const change = (part: Partial<Order>) => setOrder((before) => ({ ...before, ...part }));
  const figures = order.kind === "queue" ? (["length"] as const) : OF_CALLS;
  const send = async () => {
    const { data } = await put({ name: name.trim(), order });
    if (data) onClose();
  };
  return (
    <FormDialog
      isOpen
      title={alarm ? words.changeNamed(alarm.name) : words.add}
      action={words.save}
      isBusy={isLoading}
      problem={error}
      onSubmit={() => void send()}
      onClose={onClose}
    >
      <Field label={words.name}>
        {(input) => (
          <Input
            {...input}
            maxLength={100}
            disabled={alarm !== undefined}
            value={name}
            onChange={({ target }) => setName(target.value)}
          />
        )}
      </Field>
      <Field label={words.kind}>
        {(input) => (
          <Select
            {...input}
            value={order.kind}
            options={KINDS.map((value) => ({ value, label: words.kinds[value] }))}
            onChange={(kind: Order["kind"]) =>
              change({ kind, figure: kind === "queue" ? "length" : "error_rate", target: "" })
            }
          />
        )}
      </Field>
      <Field label={words.target} hint={words.targetHints[order.kind]}>
        {(input) => (
          <Input
            {...input}
            maxLength={200}
            value={order.target}
            onChange={({ target }) => change({ target: target.value })}
          />
        )}
      </Field>
      <Field label={words.figure}>
        {(input) => (
          <Select
            {...input}
            value={order.figure}
            options={figures.map((value) => ({ value, label: words.figures[value] }))}
            onChange={(figure: Order["figure"]) => change({ figure })}
          />
        )}
      </Field>
      <Field label={words.side}>
        {(input) => (
          <Select
            {...input}
            value={order.side ?? "above"}
            options={SIDES.map((value) => ({ value, label: words.sides[value] }))}
            onChange={(side: "above" | "below") => change({ side })}
          />
        )}
      </Field>
      <Field label={words.threshold}>
        {(input) => (
          <InputNumber
            {...input}
            min={0}
            value={order.threshold}
            onChange={(threshold) => change({ threshold: threshold ?? 0 })}
          />
        )}
      </Field>
      <Field label={words.clear} hint={words.clearHint}>
        {(input) => (
          <InputNumber
            {...input}
            min={0}
            value={order.clear ?? null}
            onChange={(clear) => change({ clear })}
          />
        )}
      </Field>
      <Field label={words.window}>
        {(input) => (
          <InputNumber
            {...input}
            min={10}
            max={3600}
            value={order.window_s ?? 300}
            onChange={(window_s) => change({ window_s: window_s ?? 300 })}
          />
        )}
      </Field>
      <Field label={words.connector} hint={words.connectorHint}>
        {(input) => (
          <Input
            {...input}
            value={order.connector ?? ""}
            onChange={({ target }) => change({ connector: target.value.trim() || null })}
          />
        )}
      </Field>
      <Field label={words.workflow}>
        {(input) => (
          <Input
            {...input}
            value={order.workflow ?? ""}
            onChange={({ target }) => change({ workflow: target.value.trim() || null })}
          />
        )}
      </Field>
      <Field label={words.enabled}>
        {({ id }) => (
          <Switch id={id} checked={order.enabled ?? true} onChange={(enabled) => change({ enabled })} />
        )}
      </Field>
    </FormDialog>
  );
}

function orderOf(alarm: Alarm): Order {
  const { kind, target, figure, threshold, side, clear, window_s, least_calls, connector, workflow } = alarm;
  const { enabled, input } = alarm;
  return {
    ...{ kind, target, figure, threshold, side, clear, window_s, least_calls, connector, workflow },
    ...{ enabled, input },
  };
}
