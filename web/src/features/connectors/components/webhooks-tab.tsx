import NotificationOutlined from "@ant-design/icons/NotificationOutlined";
import { Button } from "antd";
import { useState } from "react";
import { useSearchParams } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListWebhooksQuery } from "../api/list-webhooks";
import { wholeList } from "../logic/whole-list";
import { useAddress } from "@/shared/hooks/use-address";
import styles from "./connectors.module.css";
import { WebhookDialog } from "./webhook-dialog";
import { WebhookDrawer } from "./webhook-drawer";

const words = texts.connectors.hooks;

/** Where services deliver to. */
export function WebhooksTab() {
  const query = useListWebhooksQuery();
  const [params] = useSearchParams();
  const change = useAddress();
  const mayAdd = useMay("admin");
  const [isAdding, setAdding] = useState(false);
  const add = mayAdd && (
    <Button type="primary" aria-label={words.add} onClick={() => setAdding(true)}>
      {words.add}
    </Button>
  );
  const isEmpty = query.data?.items.length === 0;
  return (
    <div className={styles["column"]}>
      <div className={styles["head"]}>
        <p className={styles["muted"]}>{words.lead}</p>
        {!isEmpty && add}
      </div>
      <CursorTable
        label={words.title}
        columns={COLUMNS}
        rows={query.data?.items ?? []}
        rowKey={({ name }) => name}
        pages={wholeList(query)}
        empty={
          <EmptyState
            icon={<NotificationOutlined />}
            title={words.none}
            next={mayAdd ? words.noneNext : words.noneReader}
            action={add}
          />
        }
        onOpen={({ name }) => change({ webhook: name }, { isStep: true })}
      />
      {isAdding && (
        <WebhookDialog
          onDone={(name) => change({ webhook: name }, { isStep: true })}
          onClose={() => setAdding(false)}
        />
      )}
      <WebhookDrawer name={params.get("webhook") || undefined} />
    </div>
  );
}

const COLUMNS: Column<Schemas["Webhook"]>[] = [
  { key: "name", title: words.name, width: "minmax(130px, 1fr)", render: ({ name }) => name },
  {
    key: "rule",
    title: words.rule,
    width: "minmax(130px, 1fr)",
    render: ({ rule }) => words.rules[rule] ?? rule,
  },
  {
    key: "connector",
    title: words.connector,
    width: "minmax(110px, 1fr)",
    render: ({ connector }) => connector ?? <span className={styles["muted"]}>{words.noConnector}</span>,
  },
  {
    key: "path",
    title: words.address,
    width: "minmax(200px, 2fr)",
    render: ({ path }) => <code title={path}>{path}</code>,
  },
  { key: "added", title: words.added, width: "130px", render: ({ added_at: at }) => <TimeAgo at={at} /> },
];
