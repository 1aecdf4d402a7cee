import { Input } from "antd";
import { useEffect, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { useAddress } from "@/shared/hooks/use-address";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListWorkflowsInfiniteQuery } from "../api/list-workflows";
import { FirstWorkflows } from "./first-workflows";
import { RowActions } from "./row-actions";
import { RunState } from "./run-state";
import { OnSwitch } from "./on-switch";
import styles from "./workflows.module.css";

type Line = Schemas["WorkflowLine"];

const words = texts.workflows;
const TYPED_MS = 250;

/** Every workflow by name, found by part of a name or title. */
export function WorkflowsTab() {
  const [query] = useSearchParams();
  const change = useAddress();
  const navigate = useNavigate();
  const asked = query.get("q") ?? "";
  const [typed, setTyped] = useState(asked);
  const pages = useListWorkflowsInfiniteQuery(asked);
  const rows = rowsOf(pages.data);
  useEffect(() => {
    const wanted = typed.trim();
    if (wanted === asked) return;
    const timer = setTimeout(() => change({ q: wanted || undefined }), TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed, asked, change]);
  const isFirst = !asked && !pages.isLoading && !pages.error && rows.length === 0;
  if (isFirst) return <FirstWorkflows />;
  return (
    <div className={styles["stack"]}>
      <Input.Search
        className={styles["search"] ?? ""}
        allowClear
        maxLength={200}
        aria-label={words.search}
        placeholder={words.search}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
      <CursorTable
        label={words.table}
        columns={COLUMNS}
        rows={rows}
        rowKey={({ id }) => id}
        rowHeight={58}
        pages={pages}
        empty={<EmptyState title={words.noMatch} next={words.noMatchNext} />}
        onOpen={({ id }) => void navigate(`/workflows/${encodeURIComponent(id)}`)}
      />
    </div>
  );
}

const COLUMNS: Column<Line>[] = [
  {
    key: "name",
    title: words.columns.name,
    width: "minmax(180px, 2.2fr)",
    render: (line) => (
      <Link
        className={styles["name"]}
        to={`/workflows/${encodeURIComponent(line.id)}`}
        onClick={(event) => event.stopPropagation()}
      >
        <strong>{line.title || line.name}</strong>
        <small>{line.title ? line.id : line.summary}</small>
      </Link>
    ),
  },
  {
    key: "triggers",
    title: words.columns.triggers,
    width: "minmax(130px, 1.5fr)",
    render: ({ triggers }) => <Triggers triggers={triggers} />,
  },
  {
    key: "last",
    title: words.columns.last,
    width: "minmax(150px, 1.2fr)",
    render: ({ last_run: last }) =>
      last ? (
        <Link
          className={styles["last"]}
          to={`/workflows/runs/${last.id}`}
          onClick={(event) => event.stopPropagation()}
        >
          <RunState status={last.status} />
          <small>
            <TimeAgo at={last.at} />
          </small>
        </Link>
      ) : (
        <span className={styles["muted"]}>{words.noRun}</span>
      ),
  },
  {
    key: "enabled",
    title: words.columns.enabled,
    width: "56px",
    render: (line) => <OnSwitch id={line.id} isOn={line.enabled} />,
  },
  {
    key: "actions",
    title: words.columns.actions,
    width: "104px",
    render: (line) => <RowActions line={line} />,
  },
];

function Triggers({ triggers }: Pick<Line, "triggers">) {
  const [first, ...more] = triggers;
  const next = triggers.map(({ next_at }) => next_at).filter((at) => at !== null);
  if (!first) return <span className={styles["muted"]}>{words.byHand}</span>;
  return (
    <span className={styles["two"]} title={triggers.map(({ about }) => about).join("\n")}>
      <span>{first.about}</span>
      <small>
        {next.length > 0 && (
          <>
            {words.nextAt} <TimeAgo at={Math.min(...next)} />
          </>
        )}
        {next.length > 0 && more.length > 0 && ", "}
        {more.length > 0 && words.more(more.length)}
      </small>
    </span>
  );
}
