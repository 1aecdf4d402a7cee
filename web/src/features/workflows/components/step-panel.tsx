import { Button, Segmented } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { JsonView } from "@/shared/ui/json-view";
import { Panel } from "@/shared/ui/panel";

import type { TreeRow } from "../logic/run-tree";
import { isOver } from "../logic/runs";
import { StepFacts } from "./step-facts";
import { StepState } from "./run-state";
import { StepActions } from "./step-actions";
import { StepValues } from "./step-values";
import styles from "./workflows.module.css";

interface Props {
  run: Schemas["Run"];
  rows: readonly TreeRow[];
  steps: readonly Schemas["RunStep"][];
  chosen: string | undefined;
  onChoose: (place: string | undefined) => void;
}

const words = texts.workflows.oneRun;

/** What went into a step and what came out; of the whole run when none is chosen. */
export function StepPanel({ run, rows, steps, chosen, onChoose }: Props) {
  if (chosen === undefined) return <Whole run={run} />;
  const row = rows.find(({ place }) => place === chosen);
  const own = row?.rows ?? steps.filter(({ place }) => place === chosen); // it may be in a folded block
  const name = row?.name ?? own.at(-1)?.name ?? chosen;
  const whole = (
    <Button type="link" size="small" onClick={() => onChoose(undefined)}>
      {words.whole}
    </Button>
  );
  return (
    <Panel title={name} extra={whole}>
      {own.length > 0 ? (
        <Attempts key={chosen} run={run} own={own} row={row} />
      ) : (
        <Open row={row} isOver={isOver(run)} />
      )}
    </Panel>
  );
}

function Whole({ run }: { run: Schemas["Run"] }) {
  return (
    <Panel title={words.whole}>
      <div className={styles["values"]}>
        <section>
          <h3>{words.input}</h3>
          <JsonView value={run.input} label={words.input} maxHeight={220} />
        </section>
        <section>
          <h3>{words.output}</h3>
          {run.status === "completed" ? (
            <JsonView value={run.output} label={words.output} maxHeight={260} />
          ) : (
            <p className={styles["muted"]}>{isOver(run) ? texts.common.none : words.noOutput}</p>
          )}
        </section>
        <p className={styles["muted"]}>
          {words.chooseStep}. {words.chooseStepNext}
        </p>
      </div>
    </Panel>
  );
}

interface AttemptsProps {
  run: Schemas["Run"];
  own: readonly Schemas["RunStep"][];
  row: TreeRow | undefined;
}

const MOST = 8;

function Attempts({ run, own, row }: AttemptsProps) {
  const [seq, setSeq] = useState<number>();
  const step = own.find((one) => one.seq === seq) ?? own.at(-1);
  if (!step) return null;
  return (
    <div className={styles["values"]}>
      {own.length > 1 && (
        <div className={styles["scroll"]}>
          <Segmented
            size="small"
            aria-label={words.attempts}
            value={step.seq}
            options={own.slice(-MOST).map((one) => ({ value: one.seq, label: words.attempt(one.attempt) }))}
            onChange={setSeq}
          />
        </div>
      )}
      <div className={styles["bar"]}>
        <StepState state={row && step === own.at(-1) ? row.state : step.status} />
        <StepActions key={step.seq} run={run} step={step} />
      </div>
      <StepValues key={step.seq} run={run.id} step={step} />
      <StepFacts step={step} />
    </div>
  );
}

function Open({ row, isOver: over }: { row: TreeRow | undefined; isOver: boolean }) {
  if (!row) return <EmptyState title={words.notThere} next={words.chooseStepNext} />;
  return (
    <div className={styles["values"]}>
      <div className={styles["bar"]}>
        <StepState state={row.state} />
        {!over && row.kind in words.openKinds && (
          <span>
            {words.waitsFor} {words.openKinds[row.kind]}
          </span>
        )}
      </div>
      <p className={styles["muted"]}>{words.noOutput}</p>
      <code>{row.place}</code>
    </div>
  );
}
