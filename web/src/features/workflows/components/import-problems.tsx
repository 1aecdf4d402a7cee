import { asProblem } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import styles from "./workflows.module.css";

const words = texts.workflows.import;
const MOST = 20;

/** Each thing that is wrong with a refused text, with its line. */
export function ImportProblems({ problem }: { problem: unknown }) {
  const found = problem === undefined ? undefined : asProblem(problem).details["problems"];
  const listed = Array.isArray(found) ? (found as Schemas["WorkflowProblem"][]) : [];
  if (listed.length === 0) return null;
  return (
    <ul className={styles["problems"]} aria-label={words.problems}>
      {listed.slice(0, MOST).map(({ path, line, fact, remedy }, index) => (
        <li key={`${path} ${index}`}>
          <strong>
            {line > 0 && `${words.line(line)}: `}
            {fact}
          </strong>
          <span>{remedy}</span>
          {path && <code>{path}</code>}
        </li>
      ))}
    </ul>
  );
}
