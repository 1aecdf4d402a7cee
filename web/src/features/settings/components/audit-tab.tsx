import AuditOutlined from "@ant-design/icons/AuditOutlined";
import { useSearchParams } from "react-router";

import { withParts } from "@/shared/address";
import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListAuditInfiniteQuery } from "../api/list-audit";
import { type AuditFilter, filterOf, partsOf, rowOf } from "../audit-filter";
import { AuditFilterForm } from "./audit-filter-form";
import { AuditRowDrawer } from "./audit-row-drawer";
import styles from "./audit.module.css";
import { AuditVerify } from "./audit-verify";
import { OutcomeTag } from "./outcome-tag";

type Row = Schemas["AuditRow"];

/** Who changed what, when and from where. */
export function AuditTab() {
  const [query, setQuery] = useSearchParams();
  const filter = filterOf(query);
  const pages = useListAuditInfiniteQuery(filter);
  const words = texts.settings.audit;
  const isFiltered = Object.keys(filter).length > 0;
  const show = (next: AuditFilter) => setQuery(withParts(query, { ...partsOf(next), row: undefined }));
  const empty = isFiltered ? (
    <EmptyState title={words.noMatch} next={words.noMatchNext} />
  ) : (
    <EmptyState icon={<AuditOutlined />} title={words.none} next={words.noneNext} />
  );
  return (
    <div className={styles["audit"]}>
      <AuditVerify />
      <AuditFilterForm key={JSON.stringify(filter)} filter={filter} onFilter={show} />
      <CursorTable
        label={words.title}
        columns={COLUMNS}
        rows={rowsOf(pages.data)}
        rowKey={(row) => String(row.seq)}
        pages={pages}
        empty={pages.hasNextPage ? <Loading rows={6} /> : empty} // a page may be empty and have a next one
        onOpen={(row) => setQuery(withParts(query, { row: String(row.seq) }))}
      />
      <AuditRowDrawer
        seq={rowOf(query)}
        onFilter={show}
        onClose={() => setQuery(withParts(query, { row: undefined }))}
      />
    </div>
  );
}

const COLUMNS: Column<Row>[] = [
  {
    key: "at",
    title: texts.settings.audit.at,
    width: "minmax(110px, 0.9fr)",
    render: (row) => <TimeAgo at={row.at} />,
  },
  {
    key: "actor",
    title: texts.settings.audit.actor,
    width: "minmax(100px, 1fr)",
    render: (row) => row.actor,
  },
  {
    key: "action",
    title: texts.settings.audit.action,
    width: "minmax(130px, 1.2fr)",
    render: (row) => row.action,
  },
  {
    key: "target",
    title: texts.settings.audit.target,
    width: "minmax(130px, 1.4fr)",
    render: (row) => <span title={row.target}>{row.target}</span>,
  },
  { key: "from", title: texts.settings.audit.from, width: "minmax(100px, 1fr)", render: (row) => row.from },
  {
    key: "outcome",
    title: texts.settings.audit.outcome,
    width: "110px",
    render: (row) => <OutcomeTag outcome={row.outcome} />,
  },
];
