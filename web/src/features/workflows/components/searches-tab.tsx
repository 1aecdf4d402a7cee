import ExperimentOutlined from "@ant-design/icons/ExperimentOutlined";
import { useNavigate } from "react-router";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { TimeAgo } from "@/shared/ui/time-ago";
import { count } from "@/shared/ui/units";

import { useListEvolutionsInfiniteQuery } from "../api/list-evolutions";
import { Gain, SearchState } from "../evolution/search-state";

type Search = Schemas["Evolution"];

const words = texts.workflows.searches;

/** Searches for better workflows, newest first. */
export function SearchesTab() {
  const navigate = useNavigate();
  const pages = useListEvolutionsInfiniteQuery();
  return (
    <CursorTable
      label={words.table}
      columns={COLUMNS}
      rows={rowsOf(pages.data)}
      rowKey={({ id }) => id}
      pages={pages}
      empty={<EmptyState icon={<ExperimentOutlined />} title={words.none} next={words.noneNext} />}
      onOpen={({ id }) => void navigate(`/searches/${id}`)}
    />
  );
}

const COLUMNS: Column<Search>[] = [
  {
    key: "state",
    title: words.columns.state,
    width: "150px",
    render: (search) => <SearchState search={search} />,
  },
  {
    key: "workflow",
    title: words.columns.workflow,
    width: "minmax(150px, 2fr)",
    render: ({ workflow }) => <code title={workflow}>{workflow}</code>,
  },
  {
    key: "count",
    title: words.columns.candidates,
    width: "130px",
    render: ({ count: made, wanted }) => words.of(count(made), count(wanted)),
  },
  { key: "gain", title: words.columns.gain, width: "120px", render: (search) => <Gain search={search} /> },
  {
    key: "began",
    title: words.columns.began,
    width: "120px",
    render: ({ created_at: at }) => <TimeAgo at={at} />,
  },
];
