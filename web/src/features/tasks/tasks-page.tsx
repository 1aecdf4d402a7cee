import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Tabs } from "antd";
import type { ComponentType } from "react";
import { useNavigate, useParams, useSearchParams } from "react-router";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { PageHeader } from "@/shared/ui/page-header";

import { AlarmsTab } from "./components/alarms-tab";
import { DeadLettersTab } from "./components/dead-letters-tab";
import { OrderDrawer } from "./components/order-drawer";
import { QueuesTab } from "./components/queues-tab";
import { SchedulesTab } from "./components/schedules-tab";
import { TaskDrawer } from "./components/task-drawer";
import { TasksTab } from "./components/tasks-tab";
import { withParts } from "@/shared/address";
import { pathOf, type TabName, tabOf, TABS } from "./tabs";

const PARTS: Record<TabName, ComponentType> = {
  list: TasksTab,
  "dead-letters": DeadLettersTab,
  schedules: SchedulesTab,
  queues: QueuesTab,
  alarms: AlarmsTab,
};

/** What runs later or again: tasks, dead letters, schedules, queues. */
export function TasksPage() {
  const { tab } = useParams();
  const [query, setQuery] = useSearchParams();
  const navigate = useNavigate();
  const mayOrder = useMay("operator");
  const chosen = tabOf(tab);
  const items = TABS.map((name) => {
    const Part = PARTS[name];
    return { key: name, label: texts.tasks.tabs[name], children: <Part /> };
  });
  const order = (
    <Button type="primary" icon={<PlusOutlined />} onClick={() => setQuery(withParts(query, { order: "" }))}>
      {texts.tasks.order}
    </Button>
  );
  return (
    <>
      <PageHeader title={texts.tasks.title} lead={texts.tasks.lead} actions={mayOrder && order} />
      <Tabs
        aria-label={texts.tasks.tabsLabel}
        activeKey={chosen ?? ""}
        items={items}
        tabBarGutter={20} // so that all of them are seen on a telephone
        destroyOnHidden
        onChange={(name) => void navigate(pathOf(name as TabName))}
      />
      {!chosen && <EmptyState title={texts.problems.notFoundTitle} next={texts.problems.notFoundRemedy} />}
      <TaskDrawer
        task={query.get("task") ?? undefined}
        onClose={() => setQuery(withParts(query, { task: undefined }))}
      />
      {mayOrder && (
        <OrderDrawer
          isOpen={query.has("order")}
          onClose={() => setQuery(withParts(query, { order: undefined, function: undefined }))}
          onOrdered={(task) => setQuery(withParts(query, { order: undefined, function: undefined, task }))}
        />
      )}
    </>
  );
}
