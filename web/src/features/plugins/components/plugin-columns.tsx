import { Tooltip } from "antd";
import { Link } from "react-router";

import { texts } from "@/shared/texts";
import type { Column } from "@/shared/ui/cursor-table/cursor-table";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { lastError } from "../logic/last-error";
import { hasPage, type Plugin, pluginPath } from "../logic/review";
import styles from "./plugin-list.module.css";

const words = texts.plugins.list;

/** The columns of the list of plugins. */
export const COLUMNS: Column<Plugin>[] = [
  {
    key: "name",
    title: words.columns.name,
    width: "minmax(180px, 3fr)",
    render: (plugin) => (
      <Two
        first={<Name plugin={plugin} text={plugin.state === "rejected" ? plugin.path : plugin.name} />}
        second={plugin.state === "rejected" ? plugin.reason : plugin.description}
      />
    ),
  },
  {
    key: "state",
    title: words.columns.state,
    width: "130px",
    render: (plugin) => <StateTag state={plugin.state} />,
  },
  { key: "version", title: words.columns.version, width: "90px", render: (plugin) => plugin.version || "–" },
  {
    key: "trust",
    title: words.columns.trust,
    width: "104px",
    render: ({ trust }) => (
      <Tooltip title={words.trustHint[trust]}>
        <span>{words.trust[trust]}</span>
      </Tooltip>
    ),
  },
  {
    key: "functions",
    title: words.columns.functions,
    width: "86px",
    render: (plugin) => Object.keys(plugin.functions).length,
  },
  {
    key: "error",
    title: words.columns.lastError,
    width: "minmax(120px, 2fr)",
    render: (plugin) => <LastError plugin={plugin} />,
  },
];

/** The columns of the list of rejected files. */
export const REJECTED_COLUMNS: Column<Plugin>[] = [
  {
    key: "file",
    title: words.columns.file,
    width: "minmax(160px, 1fr)",
    render: (plugin) => <Two first={<Name plugin={plugin} text={plugin.path} />} second={plugin.name} />,
  },
  {
    key: "reason",
    title: words.columns.reason,
    width: "minmax(260px, 3fr)",
    render: (plugin) => (
      <span className={styles["reason"]} title={plugin.reason}>
        {plugin.reason}
      </span>
    ),
  },
];

function Name({ plugin, text }: { plugin: Plugin; text: string }) {
  if (!hasPage(plugin.name)) return <>{text}</>;
  return (
    // The row opens it too, and would do so a second time.
    <Link to={pluginPath(plugin.name)} onClick={(event) => event.stopPropagation()}>
      {text}
    </Link>
  );
}

function Two({ first, second }: { first: React.ReactNode; second: string }) {
  return (
    <div className={styles["two"]}>
      <strong>{first}</strong>
      {second && <small title={second}>{second}</small>}
    </div>
  );
}

function LastError({ plugin }: { plugin: Plugin }) {
  const error = lastError(plugin);
  if (!error) return <span className={styles["none"]}>{words.noErrors}</span>;
  return (
    <div className={styles["two"]}>
      <span title={error.message}>{error.message}</span>
      <small>
        <TimeAgo at={error.at} />
      </small>
    </div>
  );
}
