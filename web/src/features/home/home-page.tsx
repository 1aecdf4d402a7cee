import { texts } from "@/shared/texts";
import { PageHeader } from "@/shared/ui/page-header";

import { EventsPanel } from "./components/events-panel";
import { HealthPanel } from "./components/health-panel";
import { PluginsPanel } from "./components/plugins-panel";
import { RunsPanel } from "./components/runs-panel";
import { TasksPanel } from "./components/tasks-panel";
import { TrafficPanel } from "./components/traffic-panel";
import styles from "./home-page.module.css";

/** Whether all is well, at a glance. */
export function HomePage() {
  return (
    <>
      <PageHeader title={texts.home.title} lead={texts.home.lead} />
      <div className={styles["grid"]}>
        <div className={styles["column"]}>
          <TrafficPanel />
          <EventsPanel />
        </div>
        <div className={styles["column"]}>
          <HealthPanel />
          <PluginsPanel />
          <RunsPanel />
          <TasksPanel />
        </div>
      </div>
    </>
  );
}
