import { Drawer, Tabs } from "antd";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useListConnectorsQuery } from "../api/list-connectors";
import { useAddress } from "@/shared/hooks/use-address";
import { ActionTry } from "./action-try";
import { ConnectorAbout } from "./connector-about";
import { UsesTable } from "./uses-table";

const words = texts.connectors.detail;

/** All of one connector: how it is set up, what it can do, who used it. Nothing is open without a name. */
export function ConnectorDrawer({ name }: { name: string | undefined }) {
  const change = useAddress();
  return (
    <Drawer
      open={name !== undefined}
      title={name}
      size={Math.min(760, window.innerWidth)}
      onClose={() => change({ connector: undefined })}
      destroyOnHidden
    >
      {name !== undefined && (
        <Content key={name} name={name} onClose={() => change({ connector: undefined })} />
      )}
    </Drawer>
  );
}

function Content({ name, onClose }: { name: string; onClose: () => void }) {
  const { data, error, isLoading, refetch } = useListConnectorsQuery();
  if (isLoading) return <Loading rows={8} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const connector = data.items.find((one) => one.name === name);
  if (!connector) return <EmptyState title={words.gone} next={words.goneNext} />;
  return <Parts connector={connector} onClose={onClose} />;
}

function Parts({ connector, onClose }: { connector: Schemas["Connector"]; onClose: () => void }) {
  const mayCall = useMay("admin");
  const items = [
    {
      key: "about",
      label: words.tabs.about,
      children: <ConnectorAbout connector={connector} onClose={onClose} />,
    },
    ...(mayCall
      ? [{ key: "try", label: words.tabs.try, children: <ActionTry name={connector.name} /> }]
      : []),
    { key: "uses", label: words.tabs.uses, children: <UsesTable name={connector.name} /> },
  ];
  return <Tabs aria-label={words.tabsLabel} items={items} destroyOnHidden />;
}
