import { skipToken } from "@reduxjs/toolkit/query/react";

import { asProblem } from "@/shared/api/problem";
import { texts } from "@/shared/texts";

import { useEvaluateExpressionQuery } from "../api/evaluate-expression";
import { shown } from "../model/about";
import { useDebounced } from "../use-debounced";
import { useData } from "./data-context";
import styles from "./panel.module.css";

const REST_MS = 400;

/** What an expression gives with the data of the shown run. */
export function LiveValue({ expression }: { expression: string }) {
  const { data, variables, isKnown, unknown } = useData();
  const rested = useDebounced(expression, REST_MS);
  const isDone = rested.trimEnd().endsWith("}");
  const names = new Set([...rested.matchAll(/\$([A-Za-z_]\w*)/g)].map(([, name]) => name));
  const canTell = isKnown && isDone && !unknown.some((name) => names.has(name));
  const asked = canTell ? { expression: rested, data, variables } : skipToken;
  const { currentData, error } = useEvaluateExpressionQuery(asked);
  if (!isKnown || rested !== expression) return null;
  if (error) {
    return (
      <span className={styles["value"]} data-bad role="status">
        {asProblem(error).fact}
      </span>
    );
  }
  if (!currentData) return null;
  return (
    <span className={styles["value"]} role="status" title={texts.workflowsEditor.forms.value}>
      = {shown(currentData.value ?? null)}
    </span>
  );
}
