import BellOutlined from "@ant-design/icons/BellOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { count } from "@/shared/ui/units";

import { useListAlarmsQuery, useRemoveAlarmMutation } from "../api/alarms";
import { AlarmDialog } from "./alarm-dialog";
import styles from "./tasks.module.css";

type Alarm = Schemas["Alarm"];

const words = texts.tasks.alarms;
const EVERY_MS = 10_000;

/** Rules about figures: which fires now, and who is told. */
export function AlarmsTab() {
  const { data, error, refetch } = useListAlarmsQuery(undefined, { pollingInterval: EVERY_MS });
  const mayChange = useMay("admin");
  const [edited, setEdited] = useState<Alarm | "new">();
  const [leaving, setLeaving] = useState<string>();
  const [remove, removing] = useRemoveAlarmMutation();
  const add = (
    <Button icon={<PlusOutlined />} onClick={() => setEdited("new")}>
      {words.add}
    </Button>
  );
  if (!data)
    return error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={6} />;
  return (
    <div className={styles["stack"]}>
      {data.items.length === 0 ? (
        <EmptyState
          icon={<BellOutlined />}
          title={words.none}
          next={words.noneNext}
          action={mayChange && add}
        />
      ) : (
        <>
          {mayChange && <div className={styles["bar"]}>{add}</div>}
          <ul className={styles["alarms"]} aria-label={words.list}>
            {data.items.map((one) => (
              <li key={one.name}>
                <div className={styles["bar"]}>
                  <strong>{one.name}</strong>
                  <AlarmTag alarm={one} />
                  <span>{one.value === null ? words.noValue : count(one.value)}</span>
                  <TimeAgo at={one.since} />
                </div>
                <p>{ruleOf(one)}</p>
                {(one.connector ?? one.workflow) && <p>{words.tells(one.connector ?? one.workflow ?? "")}</p>}
                {one.trouble && <p role="status">{words.trouble(one.trouble)}</p>}
                {mayChange && (
                  <div className={styles["bar"]}>
                    <Button
                      size="small"
                      aria-label={words.changeNamed(one.name)}
                      onClick={() => setEdited(one)}
                    >
                      {words.change}
                    </Button>
                    <Button
                      size="small"
                      danger
                      aria-label={words.removeNamed(one.name)}
                      onClick={() => setLeaving(one.name)}
                    >
                      {words.remove}
                    </Button>
                  </div>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
      {edited !== undefined && (
        <AlarmDialog alarm={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />
      )}
      <ConfirmDialog
        isOpen={leaving !== undefined}
        title={words.removeTitle(leaving ?? "")}
        action={words.remove}
        isBusy={removing.isLoading}
        problem={removing.error}
        onConfirm={() => void remove(leaving ?? "").then((done) => !done.error && setLeaving(undefined))}
        onClose={() => setLeaving(undefined)}
      >
        {words.removeText}
      </ConfirmDialog>
    </div>
  );
}

function AlarmTag({ alarm }: { alarm: Alarm }) {
  if (!alarm.enabled) return <StateTag state="disabled" label={words.states.disabled} />;
  const isFiring = alarm.state === "firing";
  return (
    <StateTag
      state={isFiring ? "failed" : "enabled"}
      label={isFiring ? words.states.firing : words.states.quiet}
    />
  );
}

function ruleOf(one: Alarm): string {
  const sign = one.side === "above" ? ">" : "<";
  return `${words.figures[one.figure]}: ${words.kinds[one.kind]} ${one.target} ${sign} ${count(one.threshold)}`;
}
