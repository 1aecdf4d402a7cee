import { Button } from "antd";

import { asProblem, begun } from "@/shared/api/problem";
import { texts } from "@/shared/texts";

import styles from "./problem-notice.module.css";

interface Props {
  /** A request's `error`, or anything that was thrown. Nothing is shown without one. */
  problem: unknown;
  onRetry?: () => void;
}

/** What went wrong and what to do about it. */
export function ProblemNotice({ problem, onRetry }: Props) {
  if (problem === undefined || problem === null) return null;
  const { fact, remedy, code } = asProblem(problem);
  return (
    <div className={styles["notice"]} role="alert">
      <div>
        <strong>{sentence(fact)}</strong>
        {remedy && <p>{sentence(remedy)}</p>}
        <code>{code}</code>
      </div>
      {onRetry && <Button onClick={onRetry}>{texts.common.retry}</Button>}
    </div>
  );
}

/** The host's facts end without a point, as parts of a line of a log. */
function sentence(text: string): string {
  const line = begun(text);
  return /[.!?`'"]$/.test(line) ? line : `${line}.`;
}
