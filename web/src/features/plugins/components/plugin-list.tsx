import AppstoreOutlined from "@ant-design/icons/AppstoreOutlined";
import { Button } from "antd";
import { useNavigate } from "react-router";

import { rowsOf } from "@/shared/api/cursor-pages";
import { texts } from "@/shared/texts";
import { CursorTable } from "@/shared/ui/cursor-table/cursor-table";
import { EmptyState } from "@/shared/ui/empty-state";

import { type PluginFilter, useListPluginsInfiniteQuery } from "../api/list-plugins";
import { hasPage, pluginPath } from "../logic/review";
import { COLUMNS, REJECTED_COLUMNS } from "./plugin-columns";

interface Props {
  filter: PluginFilter;
  onUpload: (() => void) | undefined;
  onShowAll: () => void;
}

const words = texts.plugins.list;
const ROW = 60;

/** The plugins that fit the filter; of rejected files the reason instead of what a plugin has. */
export function PluginList({ filter, onUpload, onShowAll }: Props) {
  const pages = useListPluginsInfiniteQuery(filter);
  const navigate = useNavigate();
  const isRejected = filter.state === "rejected";
  return (
    <CursorTable
      label={words.title}
      columns={isRejected ? REJECTED_COLUMNS : COLUMNS}
      rows={rowsOf(pages.data)}
      rowKey={(plugin) => plugin.name}
      pages={pages}
      rowHeight={ROW}
      height={680}
      empty={<Empty filter={filter} onUpload={onUpload} onShowAll={onShowAll} />}
      onOpen={(plugin) => {
        if (hasPage(plugin.name)) void navigate(pluginPath(plugin.name));
      }}
    />
  );
}

function Empty({ filter, onUpload, onShowAll }: Props) {
  if (filter.state === "" && filter.q === "") {
    return (
      <EmptyState
        icon={<AppstoreOutlined />}
        title={words.empty}
        next={onUpload ? words.emptyNext : words.emptyReader}
        action={
          onUpload && (
            <Button type="primary" onClick={onUpload}>
              {texts.plugins.upload.title}
            </Button>
          )
        }
      />
    );
  }
  const isRejected = filter.state === "rejected" && filter.q === "";
  return (
    <EmptyState
      title={isRejected ? words.noneRejected : words.nothingFound}
      next={isRejected ? words.noneRejectedNext : words.nothingFoundNext}
      action={<Button onClick={onShowAll}>{words.showAll}</Button>}
    />
  );
}
