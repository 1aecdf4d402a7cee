import ApiOutlined from "@ant-design/icons/ApiOutlined";
import { Button } from "antd";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { type Column, CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";
import { TimeAgo } from "@/shared/ui/time-ago";
import { count } from "@/shared/ui/units";

import { useListConnectorsQuery } from "../api/list-connectors";
import { failuresOf, figuresOf } from "../logic/connector";
import { wholeList } from "../logic/whole-list";
import { useAddress } from "@/shared/hooks/use-address";
import { ConnectorState } from "./connector-state";
import styles from "./connectors.module.css";

type Connector = Schemas["Connector"];

const words = texts.connectors;
const ROW = 60;

/** All connectors with how they are. */
export function ConnectorsTab() {
  const query = useListConnectorsQuery();
  const change = useAddress();
  const mayAdd = useMay("admin");
  const add = (
    <Button type="primary" onClick={() => change({ add: "" }, { isStep: true })}>
      {words.add}
    </Button>
  );
  return (
    <CursorTable
      label={words.title}
      columns={COLUMNS}
      rows={query.data?.items ?? []}
      rowKey={({ name }) => name}
      rowHeight={ROW}
      pages={wholeList(query)}
      empty={
        <EmptyState
          icon={<ApiOutlined />}
          title={words.none}
          next={mayAdd ? words.noneNext : words.noneReader}
          action={mayAdd && add}
        />
      }
      onOpen={({ name }) => change({ connector: name }, { isStep: true })}
    />
  );
}

const COLUMNS: Column<Connector>[] = [
  { key: "name", title: words.name, width: "minmax(140px, 1.2fr)", render: ({ name }) => name },
  { key: "kind", title: words.kind, width: "110px", render: ({ kind }) => kind },
  {
    key: "state",
    title: words.state,
    width: "140px",
    render: (connector) => <ConnectorState connector={connector} />,
  },
  { key: "calls", title: words.calls, width: "130px", render: calls },
  { key: "error", title: words.lastError, width: "minmax(200px, 2fr)", render: lastError },
];

function calls(connector: Connector) {
  const figures = figuresOf(connector);
  if (!figures) return "0";
  const failed = failuresOf(figures);
  return failed > 0 ? `${count(figures.calls)} (${words.failures(failed)})` : count(figures.calls);
}

function lastError(connector: Connector) {
  const figures = figuresOf(connector);
  if (!figures?.last_error) return <span className={styles["muted"]}>{words.noError}</span>;
  return (
    <span className={styles["two"]} title={figures.last_error}>
      <span>{figures.last_error}</span>
      <small>
        <TimeAgo at={figures.last_error_at} />
      </small>
    </span>
  );
}
