import { Tabs } from "antd";
import type { ComponentType } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { PageHeader } from "@/shared/ui/page-header";

import { EntityTab } from "./components/entity-tab";
import { ListTab } from "./components/list-tab";
import { MemoryActions } from "./components/memory-actions";
import { MemoryDrawer } from "./components/memory-drawer";
import { OverviewTab } from "./components/overview-tab";
import { QuotasTab } from "./components/quotas-tab";
import { SearchTab } from "./components/search-tab";
import { tabOf, type TabName, TABS } from "./logic/tabs";
import { useAddress } from "@/shared/hooks/use-address";

const PARTS: Record<TabName, ComponentType> = {
  overview: OverviewTab,
  search: SearchTab,
  about: EntityTab,
  list: ListTab,
  quotas: QuotasTab,
};

/** What is remembered: how much and for how long, found by meaning, listed, and whose it is. */
export function MemoryPage() {
  const { tab } = useParams();
  const [params] = useSearchParams();
  const navigate = useNavigate();
  const change = useAddress();
  const chosen = tabOf(tab);
  const items = TABS.map((name) => {
    const Part = PARTS[name];
    return { key: name, label: texts.memory.tabs[name], children: <Part /> };
  });
  return (
    <>
      <PageHeader title={texts.memory.title} lead={texts.memory.lead} actions={<MemoryActions />} />
      <Tabs
        aria-label={texts.memory.tabsLabel}
        activeKey={chosen ?? ""}
        items={items}
        destroyOnHidden
        onChange={(name) => void navigate(`/memory/${name}`)}
      />
      {chosen === undefined && (
        <EmptyState title={texts.memory.unknownTab} next={texts.memory.unknownTabNext} />
      )}
      <MemoryDrawer
        id={params.get("memory") || undefined}
        onShow={(id) => change({ memory: id }, { isStep: true })}
        onClose={() => change({ memory: undefined })}
      />
    </>
  );
}
