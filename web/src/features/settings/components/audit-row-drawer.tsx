import { Drawer } from "antd";
import type { ReactNode } from "react";

import { locale } from "@/shared/language/language";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useGetAuditRowQuery } from "../api/get-audit-row";
import { type AuditFilter, FILTERS } from "../audit-filter";
import { differences } from "../differences";
import { AuditChanges } from "./audit-changes";
import styles from "./audit.module.css";
import { OutcomeTag } from "./outcome-tag";

type Row = Schemas["AuditRow"];

interface Props {
  /** Its number; nothing is open without one. */
  seq: number | undefined;
  onFilter: (filter: AuditFilter) => void;
  onClose: () => void;
}

const EXACT = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "long" });

/** All that one row says. */
export function AuditRowDrawer({ seq, onFilter, onClose }: Props) {
  return (
    <Drawer
      open={seq !== undefined}
      title={seq !== undefined && texts.settings.audit.row(seq)}
      size={Math.min(620, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
    >
      {seq !== undefined && <Content seq={seq} onFilter={onFilter} />}
    </Drawer>
  );
}

function Content({ seq, onFilter }: { seq: number; onFilter: (filter: AuditFilter) => void }) {
  const { data: row, error, isLoading, refetch } = useGetAuditRowQuery(seq);
  const words = texts.settings.audit;
  if (isLoading) return <Loading rows={8} />;
  if (row === undefined) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  if (row === null) return <EmptyState title={words.gone} next={words.goneNext} />;
  return (
    <div className={styles["drawer"]}>
      <About row={row} onFilter={onFilter} />
      <section>
        <h3>{words.changes}</h3>
        <AuditChanges
          changes={differences(row.before, row.after)}
          isEmpty={row.before === null && row.after === null}
        />
      </section>
    </div>
  );
}

function About({ row, onFilter }: { row: Row; onFilter: (filter: AuditFilter) => void }) {
  const words = texts.settings.audit;
  const at = (
    <>
      {EXACT.format(new Date(row.at * 1000))} (<TimeAgo at={row.at} />)
    </>
  );
  const outcome = (
    <>
      <OutcomeTag outcome={row.outcome} /> {row.outcome === "unknown" && words.unknownHint}
    </>
  );
  const hash = (
    <span className={styles["hash"]}>
      <code>{row.hash}</code>
      <CopyButton text={row.hash} label={words.copyHash} />
    </span>
  );
  const picked = FILTERS.map((name): [string, ReactNode] => [
    words[name],
    <Picked key={name} value={row[name]} onPick={() => onFilter({ [name]: row[name] })} />,
  ]);
  return (
    <Facts
      facts={[
        [words.at, at],
        ...picked,
        [words.via, row.via],
        [words.from, row.from],
        [words.outcome, outcome],
        [words.hash, hash],
      ]}
    />
  );
}

function Picked({ value, onPick }: { value: string; onPick: () => void }) {
  return (
    <button
      type="button"
      className={styles["pick"]}
      title={texts.settings.audit.onlyThis(value)}
      onClick={onPick}
    >
      {value}
    </button>
  );
}
