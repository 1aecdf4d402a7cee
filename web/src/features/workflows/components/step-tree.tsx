import CaretDownOutlined from "@ant-design/icons/CaretDownOutlined";
import CaretRightOutlined from "@ant-design/icons/CaretRightOutlined";

import type { Schemas } from "@/shared/api/types";
import { useNow } from "@/shared/hooks/use-now";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { TimeAgo } from "@/shared/ui/time-ago";
import { took } from "@/shared/ui/units";

import { spanOf, type TreeRow } from "../logic/run-tree";
import { StepState } from "./run-state";
import styles from "./run.module.css";

interface Props {
  run: Schemas["Run"];
  rows: TreeRow[];
  isAll: boolean;
  chosen: string | undefined;
  onChoose: (place: string) => void;
  onFold: (place: string) => void;
}

const words = texts.workflows.oneRun;
const READ = { isFetchingNextPage: false, hasNextPage: false, fetchNextPage: () => undefined };

/** The steps of a run as a tree over time. */
export function StepTree({ run, rows, isAll, chosen, onChoose, onFold }: Props) {
  const now = useNow() / 1000;
  const begin = run.started_at ?? run.created_at;
  const latest = rows.reduce((most, row) => Math.max(most, row.endedAt ?? row.beganAt ?? 0), begin);
  const end = run.ended_at ?? Math.max(latest, now);
  const columns: Column<TreeRow>[] = [
    {
      key: "step",
      title: words.columns.step,
      width: "minmax(190px, 2fr)",
      render: (row) => <Name row={row} isChosen={row.place === chosen} onFold={onFold} />,
    },
    {
      key: "state",
      title: words.columns.state,
      width: "116px",
      render: (row) => <StepState state={row.state} />,
    },
    {
      key: "took",
      title: words.columns.took,
      width: "78px",
      render: (row) => <Lasted row={row} />,
    },
    {
      key: "when",
      title: words.columns.when,
      width: "minmax(90px, 1fr)",
      render: (row) => <Bar row={row} begin={begin} end={end} />,
    },
  ];
  return (
    <CursorTable
      label={words.steps}
      columns={columns}
      rows={rows}
      rowKey={({ place }) => place}
      rowHeight={40}
      pages={{ ...READ, isLoading: rows.length === 0 && !isAll, refetch: () => undefined }}
      empty={<EmptyState title={words.noSteps} next={words.noStepsNext} />}
      onOpen={({ place }) => onChoose(place)}
    />
  );
}

interface NameProps {
  row: TreeRow;
  isChosen: boolean;
  onFold: (place: string) => void;
}

function Name({ row, isChosen, onFold }: NameProps) {
  const { name, depth, round, hasChildren, isFolded, place, attempt } = row;
  return (
    <span className={styles["step"]} style={{ paddingInlineStart: depth * 18 }} data-chosen={isChosen}>
      {hasChildren ? (
        <button
          type="button"
          aria-label={isFolded ? words.open(name) : words.fold(name)}
          aria-expanded={!isFolded}
          onClick={(event) => {
            event.stopPropagation();
            onFold(place);
          }}
        >
          {isFolded ? <CaretRightOutlined /> : <CaretDownOutlined />}
        </button>
      ) : (
        <i />
      )}
      <strong aria-current={isChosen ? "step" : undefined}>{name}</strong>
      {round && <small>{words[round.kind](round.number)}</small>}
      {attempt > 1 && <small>{words.attempt(attempt)}</small>}
    </span>
  );
}

function Lasted({ row }: { row: TreeRow }) {
  if (row.beganAt === undefined || row.endedAt === undefined) return <>–</>;
  return <>{took(Math.max(0, row.endedAt - row.beganAt))}</>;
}

function Bar({ row, begin, end }: { row: TreeRow; begin: number; end: number }) {
  const span = spanOf(row, begin, end);
  if (row.endedAt === undefined && row.dueAt !== null) return <TimeAgo at={row.dueAt} />;
  if (!span) return null;
  return (
    <span className={styles["line"]} aria-hidden>
      <span
        data-state={row.state}
        style={{
          insetInlineStart: `${span.left}%`,
          width: `max(3px, ${span.width}%)`,
          maxWidth: `${100 - span.left}%`,
        }}
      />
    </span>
  );
}
