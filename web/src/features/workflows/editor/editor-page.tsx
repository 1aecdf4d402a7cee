import { skipToken } from "@reduxjs/toolkit/query/react";
import { useMemo } from "react";
import { useParams, useSearchParams } from "react-router";

import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useGetWorkflowQuery } from "./api/get-workflow";
import { useListExamplesQuery } from "./api/list-examples";
import { EditorView } from "./editor-view";
import { newWorkflow } from "./model/operations";

const words = texts.workflowsEditor;

/** The editor of a workflow, or of a new one. */
export function EditorPage() {
  const { workflow } = useParams();
  const [query] = useSearchParams();
  const { data, error, refetch } = useGetWorkflowQuery(workflow ?? skipToken);
  const example = workflow === undefined ? query.get("example") : null;
  if (example !== null) return <FromExample name={example} />;
  if (workflow === undefined) return <FromNothing />;
  if (data) return <EditorView key={workflow} saved={data} text={data.text} />;
  return (
    <>
      <PageHeader title={words.edit(workflow)} />
      {error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />}
    </>
  );
}

function FromNothing() {
  const first = useMemo(() => newWorkflow(words.newName), []);
  return <EditorView key="" saved={undefined} text={first} />;
}

/** A new one with the text of a shipped one, to be changed and saved. */
function FromExample({ name }: { name: string }) {
  const { data, error, refetch } = useListExamplesQuery();
  const found = data?.items.find((one) => one.name === name);
  if (found) return <EditorView key={name} saved={undefined} text={found.text} isGiven />;
  if (data) return <FromNothing />;
  return (
    <>
      <PageHeader title={words.newTitle} />
      {error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />}
    </>
  );
}
