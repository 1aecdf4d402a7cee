import { skipToken } from "@reduxjs/toolkit/query/react";
import { useEffect, useMemo, useState } from "react";
import { useParams, useSearchParams } from "react-router";

import { useGetSessionQuery } from "@/shared/api/session";
import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useLazyGetDraftQuery } from "./api/get-draft";
import { useGetWorkflowQuery } from "./api/get-workflow";
import { useListExamplesQuery } from "./api/list-examples";
import { browserStorage, localCopies, randomName } from "./drafts/local-drafts";
import { NOTHING, openedOf } from "./drafts/opened";
import { EditorView } from "./editor-view";
import { newWorkflow } from "./model/operations";

const words = texts.workflowsEditor;
/** Another's version is heard of soon after it is saved. */
const NEWS = { refetchOnFocus: true, pollingInterval: 30_000, skipPollingIfUnfocused: true } as const;

/** The editor of a workflow, or of a new one. */
export function EditorPage() {
  const { workflow } = useParams();
  const [query] = useSearchParams();
  const { data, error, refetch } = useGetWorkflowQuery(workflow ?? skipToken, NEWS);
  const example = workflow === undefined ? query.get("example") : null;
  if (example !== null) return <FromExample name={example} />;
  if (workflow === undefined) return <FromNothing />;
  if (data) return <WithDraft key={workflow} draft={workflow} saved={data} text={data.text} />;
  return (
    <>
      <PageHeader title={words.edit(workflow)} />
      {error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />}
    </>
  );
}

function FromNothing() {
  const first = useMemo(() => newWorkflow(words.newName), []);
  return <NewDraft text={first} />;
}

/** A new one with the text of a shipped one, to be changed and saved. */
function FromExample({ name }: { name: string }) {
  const { data, error, refetch } = useListExamplesQuery();
  const found = data?.items.find((one) => one.name === name);
  if (found) return <NewDraft key={name} text={found.text} isGiven />;
  if (data) return <FromNothing />;
  return (
    <>
      <PageHeader title={words.newTitle} />
      {error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={8} />}
    </>
  );
}

/** A new workflow has a draft with a name of its own, which is in the address once something was edited. */
function NewDraft({ text, isGiven = false }: { text: string; isGiven?: boolean }) {
  const [query] = useSearchParams();
  const [made] = useState(() => `~${randomName()}`);
  const draft = query.get("draft") ?? made;
  const isNew = draft === made;
  return <WithDraft key={draft} saved={undefined} {...{ draft, text, isGiven, isNew }} />;
}

interface Props {
  draft: string;
  saved: Schemas["Workflow"] | undefined;
  text: string;
  isGiven?: boolean;
  isNew?: boolean;
}

/** The editor, once it is known what draft there is. */
function WithDraft({ draft, isNew = false, ...rest }: Props) {
  const { saved } = rest;
  const maySave = useMay("admin");
  const user = useGetSessionQuery().data?.user?.name ?? "";
  const [get] = useLazyGetDraftQuery();
  const [opened, setOpened] = useState(isNew || !maySave ? NOTHING : undefined);
  const isOpen = opened !== undefined;
  useEffect(() => {
    if (isOpen) return;
    let isHere = true;
    void get(draft).then(({ data }) => {
      if (isHere) setOpened(openedOf(data, localCopies(browserStorage(), user, draft), saved?.text));
    });
    return () => {
      isHere = false;
    };
  }, [isOpen, get, draft, user, saved]);
  if (opened) return <EditorView {...{ draft, user, opened }} {...rest} />;
  return (
    <>
      <PageHeader title={saved ? words.edit(saved.name) : words.newTitle} />
      <Loading rows={8} />
    </>
  );
}
