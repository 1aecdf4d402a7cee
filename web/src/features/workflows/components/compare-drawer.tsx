import { skipToken } from "@reduxjs/toolkit/query/react";
import { Drawer, Select, Switch } from "antd";
import { useState } from "react";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { took } from "@/shared/ui/units";

import { useCompareRunsQuery } from "../api/compare-runs";
import { useListRunsInfiniteQuery } from "../api/list-runs";
import styles from "./compare.module.css";

type Step = Schemas["StepComparison"];

const words = texts.workflows.oneRun.compare;
const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

interface Props {
  run: Schemas["Run"];
  isOpen: boolean;
  onClose: () => void;
}

/** Two runs of a workflow side by side: times, states and outputs of their steps. */
export function CompareDrawer({ run, isOpen, onClose }: Props) {
  return (
    <Drawer
      open={isOpen}
      title={words.title}
      size={Math.min(900, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
    >
      {isOpen && <Content run={run} />}
    </Drawer>
  );
}

function Content({ run }: { run: Schemas["Run"] }) {
  const runs = useListRunsInfiniteQuery({ workflow: run.workflow });
  const [other, setOther] = useState<string>();
  const [isWhole, setWhole] = useState(false);
  const compared = useCompareRunsQuery(other === undefined ? skipToken : { run: run.id, other });
  const found = compared.currentData;
  const choices = rowsOf(runs.data).filter(({ id }) => id !== run.id);
  const steps = found?.steps.filter(({ differs }) => isWhole || differs.length > 0) ?? [];
  return (
    <>
      <Field label={words.other} hint={choices.length === 0 && !runs.isLoading ? words.noOther : undefined}>
        {(input) => (
          <Select
            {...input}
            loading={runs.isLoading}
            value={other ?? null}
            options={choices.map((one) => ({
              value: one.id,
              label: `${EXACT.format(new Date(one.created_at * 1000))}, ${one.status}`,
            }))}
            onChange={(chosen: string) => setOther(chosen)}
          />
        )}
      </Field>
      <ProblemNotice problem={compared.error ?? runs.error} />
      {compared.isFetching && !found && <Loading rows={6} />}
      {found && (
        <>
          <label className={styles["switch"]}>
            <Switch checked={isWhole} onChange={setWhole} aria-label={words.whole} /> {words.whole}
          </label>
          {steps.length === 0 ? <p>{words.same}</p> : <Steps steps={steps} />}
          {found.cut && <p>{words.cut}</p>}
        </>
      )}
    </>
  );
}

function Steps({ steps }: { steps: readonly Step[] }) {
  return (
    // Keyboards can scroll it only when it takes the focus.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles["box"]} tabIndex={0} role="group" aria-label={words.title}>
      <table className={styles["table"]} aria-label={words.title}>
        <thead>
          <tr>
            {Object.entries(words.columns).map(([key, column]) => (
              <th key={key} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr key={step.place}>
              <th scope="row" title={step.place}>
                {step.name}
              </th>
              <td>{step.differs.map((one) => words.differs[one]).join(", ")}</td>
              <Side
                side={step.first}
                outputs={(step.outputs ?? []).map(({ path, first }) => [path, first])}
              />
              <Side
                side={step.second}
                outputs={(step.outputs ?? []).map(({ path, second }) => [path, second])}
              />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Side({ side, outputs }: { side: Step["first"]; outputs: readonly (readonly [string, unknown])[] }) {
  if (!side) return <td>{texts.common.none}</td>;
  return (
    <td>
      {side.status}, {took(side.time_ms / 1000)}
      {outputs.map(([path, value]) => (
        <code key={path} className={styles["value"]}>
          {path || "/"}: {JSON.stringify(value)}
        </code>
      ))}
    </td>
  );
}
