import { skipToken } from "@reduxjs/toolkit/query/react";
import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { JsonView } from "@/shared/ui/json-view";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useGetShownStepQuery } from "../editor/api/get-shown-step";
import { faultParts } from "../logic/runs";
import styles from "./workflows.module.css";

const words = texts.workflows.oneRun;

/** What went into a step and what came out. Long values come in full when one asks for them. */
export function StepValues({ run, step }: { run: string; step: Schemas["RunStep"] }) {
  const [isFull, setFull] = useState(false);
  const full = useGetShownStepQuery(isFull ? { run, seq: step.seq } : skipToken);
  const shown = full.data ?? step;
  return (
    <>
      {step.cut && !full.data && (
        <p className={styles["muted"]}>
          {words.isCut}{" "}
          <Button size="small" loading={full.isFetching} onClick={() => setFull(true)}>
            {words.full}
          </Button>
        </p>
      )}
      <ProblemNotice problem={full.error} />
      {shown.fault && <Wrong fault={shown.fault} />}
      <section>
        <h3>{words.input}</h3>
        <JsonView value={shown.input ?? null} label={words.input} maxHeight={220} />
      </section>
      {"given" in shown.meta && (
        <section>
          <h3>{words.given}</h3>
          <JsonView value={shown.meta["given"]} label={words.given} maxHeight={220} />
        </section>
      )}
      {!shown.fault && (
        <section>
          <h3>{words.output}</h3>
          <JsonView value={shown.output ?? null} label={words.output} maxHeight={260} />
        </section>
      )}
    </>
  );
}

function Wrong({ fault }: { fault: Schemas["WorkflowFault"] }) {
  const { fact, remedy } = faultParts(fault);
  return (
    <section className={styles["fault"]} aria-label={words.error}>
      <h3>{fault.title ?? words.error}</h3>
      {fact && <p>{fact}</p>}
      {remedy && <p>{remedy}</p>}
      <code>{fault.type}</code>
    </section>
  );
}
