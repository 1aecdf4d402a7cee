import BulbOutlined from "@ant-design/icons/BulbOutlined";
import { Select } from "antd";
import { useSearchParams } from "react-router";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListMemoriesInfiniteQuery } from "../api/list-memories";
import { tierName } from "../logic/policy";
import { HOST } from "../logic/question";
import { scored } from "../logic/score";
import { useAddress } from "@/shared/hooks/use-address";
import styles from "./memory.module.css";
import { OwnerSelect } from "./owner-select";

type Memory = Schemas["Memory"];

const words = texts.memory;
const TIERS = [
  { value: "", label: words.allTiers },
  ...Object.keys(words.tiers).map((tier) => ({ value: tier, label: tierName(tier) })),
];

/** What an owner remembers, the newest first. */
export function ListTab() {
  const [params] = useSearchParams();
  const change = useAddress();
  const tier = params.get("tier") ?? "";
  const filter = {
    owner: params.get("owner") || HOST,
    tier: Object.hasOwn(words.tiers, tier) ? tier : "",
  };
  const pages = useListMemoriesInfiniteQuery(filter);
  return (
    <div className={styles["column"]}>
      <div className={styles["filters"]}>
        <OwnerSelect
          value={filter.owner}
          onChange={(owner) => change({ owner: owner === HOST ? undefined : owner })}
        />
        <Select
          aria-label={words.tier}
          className={styles["select"] ?? ""}
          value={filter.tier}
          options={TIERS}
          onChange={(next) => change({ tier: next || undefined })}
        />
      </div>
      <CursorTable
        label={words.list.title}
        columns={COLUMNS}
        rows={rowsOf(pages.data)}
        rowKey={(memory) => memory.id}
        pages={pages}
        empty={<EmptyState icon={<BulbOutlined />} title={words.list.none} next={words.list.noneNext} />}
        onOpen={(memory) => change({ memory: memory.id }, { isStep: true })}
      />
    </div>
  );
}

const COLUMNS: Column<Memory>[] = [
  {
    key: "text",
    title: words.text,
    width: "minmax(220px, 3fr)",
    render: (memory) => (
      <span title={memory.text}>
        {memory.state === "quarantined" && <StateTag state="quarantined" label={words.waiting} tone="warn" />}{" "}
        {memory.text}
      </span>
    ),
  },
  { key: "tier", title: words.tier, width: "110px", render: (memory) => tierName(memory.tier) },
  {
    key: "importance",
    title: words.importance,
    width: "96px",
    render: (memory) => scored(memory.importance),
  },
  { key: "uses", title: words.uses, width: "60px", render: (memory) => memory.hits },
  {
    key: "stored",
    title: words.stored,
    width: "130px",
    render: (memory) => <TimeAgo at={memory.created_at} />,
  },
];
