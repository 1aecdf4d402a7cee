import CheckCircleOutlined from "@ant-design/icons/CheckCircleOutlined";
import WarningOutlined from "@ant-design/icons/WarningOutlined";
import { Button, Popover } from "antd";

import { texts } from "@/shared/texts";

import styles from "./editor.module.css";
import { isError, type TextProblem } from "./model/problems";
import type { SourceProblem } from "./model/source";

const words = texts.workflowsEditor;

interface Props {
  problem: SourceProblem | undefined;
  problems: readonly TextProblem[];
  told: string;
  isEmpty: boolean;
  isChecked: boolean;
  onShow: (problem: TextProblem) => void;
}

/** Below the flow: what is wrong, and what just happened. */
export function StatusLine({ problem, problems, told, isEmpty, isChecked, onShow }: Props) {
  const errors = problems.filter(isError).length;
  const list = (
    <ul className={styles["problems"]}>
      {problems.map((one, at) => (
        <li key={at}>
          <button type="button" onClick={() => onShow(one)}>
            <strong className={isError(one) ? styles["bad"] : styles["warn"]}>
              {isError(one) ? words.error : words.warning}
            </strong>
            <strong>{one.fact}</strong>
            <span>
              {[one.line !== null && words.atLine(one.line), one.remedy].filter(Boolean).join(": ")}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
  return (
    <div className={styles["status"]}>
      {problem ? (
        <span className={styles["bad"]} role="alert">
          <WarningOutlined aria-hidden /> {words.broken(problem.line)}
        </span>
      ) : problems.length > 0 ? (
        <Popover content={list} trigger="click" placement="topLeft">
          <Button
            type="text"
            size="small"
            className={(errors > 0 ? styles["bad"] : styles["warn"]) ?? ""}
            icon={<WarningOutlined aria-hidden />}
          >
            {counts(errors, problems.length - errors)}
          </Button>
        </Popover>
      ) : isEmpty ? (
        <span>{words.begin}</span>
      ) : !isChecked ? (
        <span>{words.checking}</span>
      ) : (
        <span className={styles["good"]}>
          <CheckCircleOutlined aria-hidden /> {words.noProblems}
        </span>
      )}
      <span role="status">{told}</span>
    </div>
  );
}

function counts(errors: number, warnings: number): string {
  return [errors > 0 && words.errors(errors), warnings > 0 && words.warnings(warnings)]
    .filter(Boolean)
    .join(", ");
}
