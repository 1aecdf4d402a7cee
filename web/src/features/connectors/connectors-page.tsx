import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Tabs } from "antd";
import { useNavigate, useParams, useSearchParams } from "react-router";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { PageHeader } from "@/shared/ui/page-header";

import { ConnectorDrawer } from "./components/connector-drawer";
import { ConnectorForm } from "./components/connector-form";
import { ConnectorsTab } from "./components/connectors-tab";
import { WebhooksTab } from "./components/webhooks-tab";
import { tabOf, TABS } from "./logic/tabs";
import { useAddress } from "@/shared/hooks/use-address";

const words = texts.connectors;
const PARTS = { list: ConnectorsTab, webhooks: WebhooksTab };

/** What plugins reach through the host, and what reaches the host. */
export function ConnectorsPage() {
  const { tab } = useParams();
  const [params] = useSearchParams();
  const navigate = useNavigate();
  const change = useAddress();
  const mayAdd = useMay("admin");
  const chosen = tabOf(tab);
  const items = TABS.map((name) => {
    const Part = PARTS[name];
    return { key: name, label: words.tabs[name], children: <Part /> };
  });
  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={
          mayAdd &&
          chosen !== "webhooks" && (
            <Button
              type="primary"
              icon={<PlusOutlined />}
              aria-label={words.add}
              onClick={() => change({ add: "" }, { isStep: true })}
            >
              {words.add}
            </Button>
          )
        }
      />
      <Tabs
        aria-label={words.tabsLabel}
        activeKey={chosen ?? ""}
        items={items}
        destroyOnHidden
        onChange={(name) => void navigate(`/connectors/${name}`)}
      />
      {chosen === undefined && <EmptyState title={words.unknownTab} next={words.unknownTabNext} />}
      <ConnectorDrawer name={params.get("connector") || undefined} />
      {mayAdd && (
        <ConnectorForm
          isOpen={params.has("add")}
          onDone={(name) => change({ add: undefined, connector: name })}
          onClose={() => change({ add: undefined })}
        />
      )}
    </>
  );
}
