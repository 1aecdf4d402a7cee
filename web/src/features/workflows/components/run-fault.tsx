import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { faultParts } from "../logic/runs";
import styles from "./workflows.module.css";

interface Props {
  fault: Schemas["WorkflowFault"];
  steps: readonly Schemas["RunStep"][];
  onChoose: (place: string) => void;
}

const words = texts.workflows.oneRun;

/** Where a run failed, why, and what to do about it. */
export function RunFault({ fault, steps, onChoose }: Props) {
  const { fact, remedy } = faultParts(fault);
  const place = steps.findLast(({ status }) => status === "faulted")?.place ?? fault.instance;
  const step = steps.find((one) => one.place === place);
  return (
    <section className={styles["fault"]} aria-label={words.failed}>
      <h2>
        {words.failed}: {fault.title ?? fault.type}
      </h2>
      {fact && <p>{fact}</p>}
      {remedy && (
        <p>
          <strong>{words.remedy}:</strong> {remedy}
        </p>
      )}
      {fault.instance && (
        <p>
          {words.at} <strong>{step?.name}</strong> <code>{fault.instance}</code>{" "}
          {step && (
            <button type="button" className={styles["link"]} onClick={() => onChoose(step.place)}>
              {words.toStep}
            </button>
          )}
        </p>
      )}
    </section>
  );
}
