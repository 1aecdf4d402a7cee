import PieChartOutlined from "@ant-design/icons/PieChartOutlined";
import { useNavigate } from "react-router";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { bytes, count } from "@/shared/ui/units";

import { useListMemoryOwnersInfiniteQuery } from "../api/list-owners";
import { ownerName, tierName } from "../logic/policy";
import styles from "./memory.module.css";
import { UseBar } from "./use-bar";

type Owner = Schemas["MemoryOwner"];

const words = texts.memory.quotas;
const ROW = 64;

/** How much each owner has of what its grant allows. */
export function QuotasTab() {
  const pages = useListMemoryOwnersInfiniteQuery();
  const navigate = useNavigate();
  return (
    <CursorTable
      label={words.title}
      columns={COLUMNS}
      rows={rowsOf(pages.data)}
      rowKey={({ owner }) => owner}
      rowHeight={ROW}
      pages={pages}
      empty={<EmptyState icon={<PieChartOutlined />} title={words.none} next={words.noneNext} />}
      onOpen={({ owner }) => void navigate(`/memory/list?${new URLSearchParams({ owner }).toString()}`)}
    />
  );
}

const COLUMNS: Column<Owner>[] = [
  {
    key: "owner",
    title: texts.memory.owner,
    width: "minmax(140px, 1fr)",
    render: ({ owner }) => ownerName(owner),
  },
  {
    key: "memories",
    title: words.memories,
    width: "minmax(150px, 1.2fr)",
    render: ({ items, quota }) => <Used used={items} most={quota?.max_items} say={count} />,
  },
  {
    key: "size",
    title: words.size,
    width: "minmax(150px, 1.2fr)",
    render: ({ bytes: size, quota }) => <Used used={size} most={quota?.max_bytes} say={bytes} />,
  },
  { key: "allowed", title: words.allowed, width: "minmax(160px, 1.5fr)", render: allowed },
];

function allowed({ owner, quota }: Owner) {
  if (!quota)
    return <span className={styles["muted"]}>{owner.startsWith("@") ? words.noQuota : words.gone}</span>;
  const names = quota.tiers.map(tierName).join(", ");
  const told = quota.write ? names : `${names} (${words.readOnly})`;
  return <span title={told}>{told}</span>;
}

interface UsedProps {
  used: number;
  most: number | null | undefined;
  say: (value: number) => string;
}

function Used({ used, most, say }: UsedProps) {
  if (most == null) return <>{say(used)}</>;
  const told = words.of(say(used), say(most));
  return (
    <div className={styles["used"]}>
      <span>{told}</span>
      <UseBar label={told} used={used} most={most} />
    </div>
  );
}
