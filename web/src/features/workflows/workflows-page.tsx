import { Badge, Tabs } from "antd";
import type { ComponentType } from "react";
import { useLocation, useNavigate } from "react-router";

import { texts } from "@/shared/texts";
import { PageHeader } from "@/shared/ui/page-header";

import { useListApprovalsInfiniteQuery } from "./api/list-approvals";
import { ApprovalsTab } from "./components/approvals-tab";
import { ListActions } from "./components/list-actions";
import { RunsTab } from "./components/runs-tab";
import { SearchesTab } from "./components/searches-tab";
import { WorkflowsTab } from "./components/workflows-tab";
import { type TabName, tabOf, TABS } from "./tabs";

const words = texts.workflows;
const PARTS: Record<TabName, ComponentType> = {
  list: WorkflowsTab,
  runs: RunsTab,
  approvals: ApprovalsTab,
  searches: SearchesTab,
};

/** The workflows, their runs, and what waits for a decision. */
export function WorkflowsPage() {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const { data } = useListApprovalsInfiniteQuery();
  const waiting = data?.pages.reduce((sum, page) => sum + page.items.length, 0) ?? 0;
  const items = TABS.map(({ name }) => {
    const Part = PARTS[name];
    const label = words.tabs[name];
    return {
      key: name,
      label: name === "approvals" && waiting > 0 ? <Counted label={label} count={waiting} /> : label,
      children: <Part />,
    };
  });
  return (
    <>
      <PageHeader title={words.title} lead={words.lead} actions={<ListActions />} />
      <Tabs
        aria-label={words.tabsLabel}
        activeKey={tabOf(pathname)}
        items={items}
        tabBarGutter={20}
        destroyOnHidden
        onChange={(name) => void navigate(TABS.find((tab) => tab.name === name)?.path ?? "/workflows")}
      />
    </>
  );
}

function Counted({ label, count }: { label: string; count: number }) {
  return (
    <span>
      {label} <Badge count={count} overflowCount={50} color="var(--oc-accent)" size="small" />
    </span>
  );
}
