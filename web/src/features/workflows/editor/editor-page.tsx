import { skipToken } from "@reduxjs/toolkit/query/react";
import { useMemo } from "react";
import { useParams } from "react-router";

import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useGetWorkflowQuery } from "./api/get-workflow";
import { EditorView } from "./editor-view";
import { newWorkflow } from "./model/operations";

const words = texts.workflowsEditor;

/** The editor of a workflow, or of a new one. */
export function EditorPage() {
  const { workflow } = useParams();
  const { data, error, refetch } = useGetWorkflowQuery(workflow ?? skipToken);
  const first = useMemo(() => newWorkflow(words.newName), []);
  if (workflow === undefined) return <EditorView key="" saved={undefined} text={first} />;
  if (data) return <EditorView key={workflow} saved={data} text={data.text} />;
  return (
    <>
      <PageHeader title={words.edit(workflow)} />
      {error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />}
    </>
  );
}
