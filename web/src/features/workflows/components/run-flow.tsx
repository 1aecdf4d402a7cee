import { skipToken } from "@reduxjs/toolkit/query/react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";

import { RunCanvas } from "../editor";
import { useGetWorkflowVersionQuery } from "../editor/api/get-workflow-version";
import type { TreeRow } from "../logic/run-tree";
import styles from "./workflows.module.css";

interface Props {
  run: Schemas["Run"];
  steps: readonly Schemas["RunStep"][];
  open: Schemas["RunOpen"]["items"];
  rows: readonly TreeRow[];
  chosen: string | undefined;
  onChoose: (place: string) => void;
}

const words = texts.workflows.oneRun;

/** A run over the flow of the version that it ran. */
export default function RunFlow({ run, steps, open, rows, chosen, onChoose }: Props) {
  const { workflow, number } = run;
  const { currentData, error, isFetching } = useGetWorkflowVersionQuery(
    number === null ? skipToken : { workflow, number },
  );
  if (isFetching && !currentData) return <Loading rows={8} />;
  if (!currentData || error) return <EmptyState title={words.noFlow} next={words.noFlowNext} />;
  return (
    <div className={styles["flow"]}>
      <RunCanvas
        text={currentData.text}
        run={run}
        steps={steps}
        open={open}
        selected={rows.find(({ place }) => place === chosen)?.path}
        onSelect={(path) => {
          const row = rows.findLast((one) => one.path === path);
          if (row) onChoose(row.place);
        }}
      />
    </div>
  );
}
