import InboxOutlined from "@ant-design/icons/InboxOutlined";
import { useSearchParams } from "react-router";

import { rowsOf } from "@/shared/api/cursor-pages";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListDeliveriesInfiniteQuery } from "../api/list-deliveries";
import { useAddress } from "@/shared/hooks/use-address";
import styles from "./connectors.module.css";
import { DeliveryView } from "./delivery-view";

const words = texts.connectors.deliveries;
const HEIGHT = 300;

/** What was delivered last, and the one that the address names with its body. */
export function Deliveries({ webhook }: { webhook: string }) {
  const pages = useListDeliveriesInfiniteQuery(webhook);
  const [params] = useSearchParams();
  const change = useAddress();
  const shown = params.get("delivery");
  return (
    <section className={styles["column"]}>
      <h2>{words.title}</h2>
      <CursorTable
        label={words.title}
        columns={COLUMNS}
        rows={rowsOf(pages.data)}
        rowKey={({ id }) => id}
        pages={pages}
        height={HEIGHT}
        empty={<EmptyState icon={<InboxOutlined />} title={words.none} next={words.noneNext} />}
        onOpen={({ id }) => change({ delivery: id })}
      />
      {shown && (
        <DeliveryView
          key={shown}
          webhook={webhook}
          delivery={shown}
          onClose={() => change({ delivery: undefined })}
        />
      )}
    </section>
  );
}

const COLUMNS: Column<Schemas["WebhookDelivery"]>[] = [
  { key: "event", title: words.event, width: "minmax(140px, 1.5fr)", render: ({ event }) => event },
  {
    key: "state",
    title: words.state,
    width: "130px",
    render: ({ state }) => (
      <StateTag
        state={state}
        tone={state === "published" ? "good" : "busy"}
        label={words.states[state] ?? state}
      />
    ),
  },
  { key: "times", title: words.times, width: "100px", render: ({ attempts }) => words.count(attempts) },
  {
    key: "at",
    title: words.at,
    width: "minmax(120px, 1fr)",
    render: ({ received_at: at }) => <TimeAgo at={at} />,
  },
];
