import { Input, InputNumber, Segmented, Select } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";

import { ownZone, timeZones } from "../logic/moments";
import { specOf, UNITS, type When } from "../logic/when";
import { CronHelper } from "./cron-helper";
import styles from "./tasks.module.css";
import { TicksPreview } from "./ticks-preview";

interface Props {
  when: When;
  onChange: (when: When) => void;
}

type Kind = Schemas["Schedule"]["kind"];

const words = texts.tasks.schedules;
const KINDS: readonly Kind[] = ["cron", "interval", "once"];
const ZONES = timeZones().map((zone) => ({ value: zone, label: zone }));

/** When a schedule runs: by the clock, every so often or once, and what its next runs will be. */
export function WhenFields({ when, onChange }: Props) {
  const set = (change: Partial<When>) => onChange({ ...when, ...change });
  return (
    <>
      <div>
        <Segmented<Kind>
          aria-label={words.kind}
          value={when.kind}
          options={KINDS.map((kind) => ({ value: kind, label: words.kinds[kind] }))}
          onChange={(kind) => set({ kind })}
        />
      </div>
      {when.kind === "cron" && <CronHelper value={when.cron} onChange={(cron) => set({ cron })} />}
      {when.kind === "interval" && (
        <div className={styles["pair"]}>
          <Field label={words.interval}>
            {(input) => (
              <InputNumber<number>
                {...input}
                min={1}
                value={when.every}
                onChange={(every) => every !== null && set({ every })}
              />
            )}
          </Field>
          <Field label={words.unit}>
            {(input) => (
              <Select
                {...input}
                value={when.unit}
                options={UNITS.map((unit) => ({ value: unit, label: words.units[unit] }))}
                onChange={(unit: When["unit"]) => set({ unit })}
              />
            )}
          </Field>
        </div>
      )}
      {when.kind === "once" && (
        <Field label={words.moment}>
          {(input) => (
            <Input
              {...input}
              type="datetime-local"
              value={when.moment}
              onChange={(event) => set({ moment: event.target.value })}
            />
          )}
        </Field>
      )}
      <Field label={words.zone}>
        {(input) => (
          <Select
            {...input}
            showSearch
            value={when.timezone || ownZone()}
            options={ZONES}
            onChange={(timezone: string) => set({ timezone })}
          />
        )}
      </Field>
      <TicksPreview kind={when.kind} spec={specOf(when)} timezone={when.timezone} />
    </>
  );
}
