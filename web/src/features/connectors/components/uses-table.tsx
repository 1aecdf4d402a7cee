import HistoryOutlined from "@ant-design/icons/HistoryOutlined";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { StateTag, type Tone } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { took } from "@/shared/ui/units";

import { useListUsesInfiniteQuery } from "../api/list-uses";

type Use = Schemas["ConnectorUse"];

const words = texts.connectors.uses;
const TONES: Record<string, Tone> = { ok: "good", begun: "busy", cancelled: "calm" };

/** Who called a connector for what, and what came of it. */
export function UsesTable({ name }: { name: string }) {
  const pages = useListUsesInfiniteQuery(name);
  return (
    <CursorTable
      label={words.title}
      columns={COLUMNS}
      rows={rowsOf(pages.data)}
      rowKey={({ id }) => id}
      pages={pages}
      empty={<EmptyState icon={<HistoryOutlined />} title={words.none} next={words.noneNext} />}
    />
  );
}

const COLUMNS: Column<Use>[] = [
  { key: "who", title: words.who, width: "minmax(110px, 1.2fr)", render: ({ who }) => who },
  { key: "action", title: words.action, width: "minmax(90px, 1fr)", render: ({ action }) => action },
  { key: "at", title: words.at, width: "120px", render: ({ at }) => <TimeAgo at={at} /> },
  {
    key: "took",
    title: words.took,
    width: "80px",
    render: ({ took_s: seconds }) => (seconds == null ? "" : took(seconds)),
  },
  {
    key: "outcome",
    title: words.outcome,
    width: "minmax(120px, 1fr)",
    render: ({ outcome }) => (
      <StateTag
        state={outcome}
        tone={TONES[outcome] ?? "bad"}
        label={Object.hasOwn(words.outcomes, outcome) ? (words.outcomes[outcome] ?? outcome) : outcome}
      />
    ),
  },
];
