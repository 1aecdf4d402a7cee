import { Tabs } from "antd";
import { useState } from "react";
import { Link, Navigate, useNavigate, useParams } from "react-router";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";

import { useShowPluginQuery } from "./api/show-plugin";
import { ConfigTab } from "./components/config-tab";
import { FunctionsTab } from "./components/functions-tab";
import { LogsTab } from "./components/logs-tab";
import { OverviewTab } from "./components/overview-tab";
import { PermissionsTab } from "./components/permissions-tab";
import { PluginActions } from "./components/plugin-actions";
import { RolloutTab } from "./components/rollout-tab";
import { UpgradeTab } from "./components/upgrade-tab";
import { VersionsTab } from "./components/versions-tab";
import { hasUpgrade, type Plugin, pluginPath, reviewTab, type Tab } from "./logic/review";
import type { PastCall } from "./logic/history";
import styles from "./plugin-page.module.css";

const words = texts.plugins.detail;

/** One plugin: what it is, what it may do, and all that can be done with it. */
export function PluginPage() {
  const { plugin: name = "" } = useParams();
  return <OnePlugin key={name} name={name} />;
}

function OnePlugin({ name }: { name: string }) {
  const { tab = "overview" } = useParams();
  const { data: plugin, error, isLoading, refetch } = useShowPluginQuery(name);
  const [past, setPast] = useState<PastCall[]>([]);
  const mayRead = useMay("operator", name);
  const navigate = useNavigate();

  if (!plugin) {
    return (
      <>
        <PageHeader title={name} lead={<Link to="/plugins">{words.all}</Link>} />
        {isLoading && <Loading rows={6} />}
        <ProblemNotice problem={error} onRetry={() => void refetch()} />
      </>
    );
  }
  const parts: Record<Tab, React.ReactNode> = {
    overview: <OverviewTab plugin={plugin} />,
    functions: <FunctionsTab plugin={plugin} past={past} onPast={setPast} />,
    permissions: <PermissionsTab plugin={plugin} />,
    upgrade: <UpgradeTab plugin={plugin} />,
    config: <ConfigTab plugin={plugin} mayRead={mayRead} />,
    logs: <LogsTab plugin={plugin.name} />,
    versions: <VersionsTab plugin={plugin} />,
    rollout: <RolloutTab plugin={plugin} />,
  };
  if (!Object.hasOwn(parts, tab)) return <Navigate to={pluginPath(name)} replace />;
  const shown = (Object.keys(parts) as Tab[]).filter((one) => isOffered(one, tab, plugin));
  const open = (to: string) => void navigate(pluginPath(name, to as Tab));
  return (
    <>
      <PageHeader
        title={plugin.name}
        tags={<StateTag state={plugin.state} />}
        lead={
          <>
            <Link to="/plugins" className={styles["all"]}>
              {words.all}
            </Link>
            {(plugin.version || plugin.author) && ` · ${leadOf(plugin)}`}
          </>
        }
        actions={<PluginActions plugin={plugin} />}
      />
      <Tabs
        activeKey={tab}
        onChange={open}
        destroyOnHidden
        items={shown.map((one) => ({
          key: one,
          label: <Label tab={one} isMarked={one === reviewTab(plugin)} />,
          children: parts[one],
        }))}
      />
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
    </>
  );
}

function Label({ tab, isMarked }: { tab: Tab; isMarked: boolean }) {
  return (
    <span className={styles["label"]}>
      {words.tabs[tab]}
      {isMarked && (
        <span className={styles["mark"]} role="img" aria-label={words.waits} title={words.waits} />
      )}
    </span>
  );
}

/** Code in the host's own process has no grants, versions or settings of its own; what is open stays. */
function isOffered(tab: Tab, open: string, plugin: Plugin): boolean {
  if (tab === open) return true;
  if (tab === "rollout") return Boolean(plugin.rollout);
  if (plugin.trust === "native") return tab !== "upgrade" && tab !== "versions" && tab !== "config";
  return tab !== "upgrade" || hasUpgrade(plugin);
}

function leadOf({ version, author }: { version: string; author: string }): string {
  return [version && words.version(version), author && words.by(author)].filter(Boolean).join(" ");
}
