import LockOutlined from "@ant-design/icons/LockOutlined";
import { Tabs } from "antd";
import type { ComponentType } from "react";
import { useNavigate, useParams } from "react-router";

import { useGetSessionQuery } from "@/shared/api/session";
import { may } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { PageHeader } from "@/shared/ui/page-header";

import { AuditTab } from "./components/audit-tab";
import { BackupTab } from "./components/backup-tab";
import { ConfigurationTab } from "./components/configuration-tab";
import { DiagnosticsTab } from "./components/diagnostics-tab";
import { MachineTab } from "./components/machine-tab";
import { SessionsTab } from "./components/sessions-tab";
import { TokensTab } from "./components/tokens-tab";
import { UsersTab } from "./components/users-tab";
import { TABS, type TabName, tabOf } from "./tabs";

const PARTS: Record<TabName, ComponentType> = {
  configuration: ConfigurationTab,
  users: UsersTab,
  tokens: TokensTab,
  sessions: SessionsTab,
  audit: AuditTab,
  machine: MachineTab,
  backup: BackupTab,
  diagnostics: DiagnosticsTab,
};

/** How the host is set up, who may use it, and what was changed. */
export function SettingsPage() {
  const { data: session } = useGetSessionQuery();
  const { tab } = useParams();
  const navigate = useNavigate();
  const allowed = TABS.filter(({ needs }) => may(session?.user, needs));
  const chosen = tabOf(tab, allowed);
  const isAllowed = chosen !== undefined && allowed.includes(chosen);
  const items = allowed.map(({ name }) => {
    const Part = PARTS[name];
    return { key: name, label: texts.settings.tabs[name], children: <Part /> };
  });
  return (
    <>
      <PageHeader title={texts.settings.title} lead={texts.settings.lead} />
      <Tabs
        aria-label={texts.settings.tabsLabel}
        activeKey={isAllowed ? chosen.name : ""}
        items={items}
        destroyOnHidden
        onChange={(name) => void navigate(`/settings/${name}`)}
      />
      {!isAllowed && <NotHere needs={chosen?.needs} />}
    </>
  );
}

function NotHere({ needs }: { needs: (typeof TABS)[number]["needs"] | undefined }) {
  const { problems, shell } = texts;
  if (!needs) return <EmptyState title={problems.notFoundTitle} next={problems.notFoundRemedy} />;
  const remedy = problems.forbiddenRemedy(shell.roles[needs].toLowerCase());
  return <EmptyState icon={<LockOutlined />} title={problems.forbiddenTitle} next={remedy} />;
}
