import { skipToken } from "@reduxjs/toolkit/query/react";
import { useMemo } from "react";

import { useValidateWorkflowQuery } from "./api/validate-workflow";
import { problemsByTask, type TaskProblem, type TextProblem } from "./model/problems";
import type { SourceProblem } from "./model/source";
import type { Block } from "./model/tasks";
import { useDebounced } from "./use-debounced";
import type { LineProblem } from "./yaml/code";

const REST_MS = 500;
const NONE: readonly TextProblem[] = [];

export interface Problems {
  all: readonly TextProblem[];
  byTask: ReadonlyMap<string, TaskProblem>;
  byLine: readonly LineProblem[];
  /** Whether the host has looked at the text as it is now. */
  isChecked: boolean;
}

/** What is wrong with the text: its syntax at once, the rest from the host a moment later. */
export function useProblems(
  text: string,
  root: Block,
  problem: SourceProblem | undefined,
  mayAsk: boolean,
): Problems {
  const rested = useDebounced(text, REST_MS);
  const { data: latest, currentData } = useValidateWorkflowQuery(
    problem || !mayAsk || root.tasks.length === 0 ? skipToken : rested,
  );
  const data = root.tasks.length === 0 ? undefined : latest; // what is empty is not wrong yet
  const found = problem ? NONE : (data?.problems ?? NONE);
  const byTask = useMemo(() => problemsByTask(root, found), [root, found]);
  const byLine = useMemo((): LineProblem[] => {
    if (problem) return [{ line: problem.line, message: problem.message, severity: "error" }];
    return found.map(({ line, fact, remedy, severity }) => ({
      line: line ?? 1,
      message: remedy ? `${fact}\n${remedy}` : fact,
      severity: severity === "error" ? "error" : severity === "warning" ? "warning" : "info",
    }));
  }, [found, problem]);
  return { all: found, byTask, byLine, isChecked: currentData !== undefined && rested === text };
}
