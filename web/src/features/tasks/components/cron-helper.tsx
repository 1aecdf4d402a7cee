import { Input, InputNumber, Select } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";

import { type CronParts, cronOf, FIRST_PARTS, type Repeat, REPEATS } from "../logic/cron";
import styles from "./tasks.module.css";

interface Props {
  value: string;
  onChange: (cron: string) => void;
}

const words = texts.tasks.schedules;
const OWN = "own";
const TIMED: readonly Repeat[] = ["daily", "weekdays", "weekly", "monthly"];

/** Makes a cron expression of everyday words; the expression can be written as well. */
export function CronHelper({ value, onChange }: Props) {
  const [parts, setParts] = useState<CronParts>(FIRST_PARTS);
  const repeat = cronOf(parts) === value ? parts.repeat : OWN;
  const set = (change: Partial<CronParts>) => {
    const next = { ...parts, ...change };
    setParts(next);
    onChange(cronOf(next));
  };
  return (
    <div className={styles["pair"]}>
      <Field label={words.repeat}>
        {(input) => (
          <Select<Repeat | typeof OWN>
            {...input}
            value={repeat}
            options={[...REPEATS, ...(repeat === OWN ? ([OWN] as const) : [])].map((one) => ({
              value: one,
              label: words.repeats[one],
            }))}
            onChange={(one) => one !== OWN && set({ repeat: one })}
          />
        )}
      </Field>
      {(repeat === "minutes" || repeat === "hourly") && (
        <Field label={repeat === "minutes" ? words.everyMinutes : words.minuteOfHour}>
          {(input) => (
            <InputNumber<number>
              {...input}
              min={repeat === "minutes" ? 1 : 0}
              max={59}
              value={parts.minute}
              onChange={(minute) => minute !== null && set({ minute })}
            />
          )}
        </Field>
      )}
      {repeat === "weekly" && (
        <Field label={words.weekday}>
          {(input) => (
            <Select
              {...input}
              value={parts.weekday}
              options={words.weekdays.map((label, number) => ({ value: number, label }))}
              onChange={(weekday: number) => set({ weekday })}
            />
          )}
        </Field>
      )}
      {repeat === "monthly" && (
        <Field label={words.day}>
          {(input) => (
            <InputNumber<number>
              {...input}
              min={1}
              max={31}
              value={parts.day}
              onChange={(day) => day !== null && set({ day })}
            />
          )}
        </Field>
      )}
      {repeat !== OWN && TIMED.includes(repeat) && (
        <Field label={words.time}>
          {(input) => (
            <Input
              {...input}
              type="time"
              value={parts.time}
              onChange={(event) => event.target.value && set({ time: event.target.value })}
            />
          )}
        </Field>
      )}
      <Field label={words.cron} hint={words.cronHint}>
        {(input) => (
          <Input
            {...input}
            value={value}
            maxLength={200}
            spellCheck={false}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </Field>
    </div>
  );
}
