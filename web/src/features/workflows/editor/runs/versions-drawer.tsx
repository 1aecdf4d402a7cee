import { skipToken } from "@reduxjs/toolkit/query/react";
import { Button, Drawer, Select } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useGetWorkflowVersionQuery } from "../api/get-workflow-version";
import { useListWorkflowVersionsQuery } from "../api/list-workflow-versions";
import panel from "../panel/panel.module.css";
import { LazyTextDiff } from "../yaml/lazy";
import { VersionChanges } from "./version-changes";

const all = texts.workflowsEditor;
const words = all.history;
const DRAFT = 0;

interface Props {
  isOpen: boolean;
  workflow: string;
  text: string;
  onTake: (text: string) => void;
  onClose: () => void;
}

/** Earlier versions, and what differs between two of them or to what is edited. */
export function VersionsDrawer(props: Props) {
  const { isOpen, onClose } = props;
  return (
    <Drawer
      open={isOpen}
      title={words.title}
      size={Math.min(980, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
    >
      {isOpen && <Versions {...props} />}
    </Drawer>
  );
}

function Versions({ workflow, text, onTake }: Props) {
  const listed = useListWorkflowVersionsQuery(workflow);
  const versions = listed.data?.items ?? [];
  const newest = versions.reduce((most, { number }) => Math.max(most, number), 0);
  const [from, setFrom] = useState<number>();
  const [to, setTo] = useState(DRAFT);
  const first = from ?? newest;
  const before = useText(workflow, first);
  const after = useText(workflow, to);
  const afterText = to === DRAFT ? text : after.text;
  if (listed.isLoading) return <Loading rows={5} />;
  const options = versions.map(({ number, created_at, created_by }) => ({
    value: number,
    label: (
      <span>
        {all.version(number)} {number === newest && `(${words.current})`} · {created_by} ·{" "}
        <TimeAgo at={created_at} />
      </span>
    ),
  }));
  const draft = { value: DRAFT, label: words.draft };
  const nameOf = (number: number) => (number === DRAFT ? words.draft : all.version(number));
  return (
    <div className={panel["fields"]}>
      <ProblemNotice problem={listed.error ?? before.error ?? after.error} />
      <div className={panel["head"]}>
        <Select
          aria-label={words.from}
          style={{ minWidth: 260 }}
          value={first || null}
          options={options}
          onChange={setFrom}
        />
        <span>{words.to}</span>
        <Select
          aria-label={words.to}
          style={{ minWidth: 260 }}
          value={to}
          options={[draft, ...options]}
          onChange={setTo}
        />
        {before.text !== undefined && <Button onClick={() => onTake(before.text ?? "")}>{words.take}</Button>}
      </div>
      {first > 0 && to > 0 && <VersionChanges workflow={workflow} from={first} to={to} />}
      {before.text !== undefined && afterText !== undefined && (
        <LazyTextDiff
          before={before.text}
          after={afterText}
          beforeLabel={nameOf(first)}
          afterLabel={nameOf(to)}
        />
      )}
    </div>
  );
}

function useText(workflow: string, number: number): { text: string | undefined; error: unknown } {
  const found = useGetWorkflowVersionQuery(number > 0 ? { workflow, number } : skipToken);
  return { text: number > 0 ? found.currentData?.text : undefined, error: found.error };
}
