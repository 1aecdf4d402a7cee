import { Link } from "react-router";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";

import { hasUpgrade, type Plugin, pluginPath, reviewTab } from "../logic/review";
import styles from "./overview.module.css";

const words = texts.plugins.overview;
const TONES = {
  enabled: "calm",
  "needs-grant": "warn",
  "needs-review": "warn",
  disabled: "calm",
  quarantined: "bad",
  rejected: "bad",
};

/** Why it is in its state and what to do about it; nothing when all is well. */
export function StateNotice({ plugin }: { plugin: Plugin }) {
  const mayDecide = useMay("admin", plugin.name);
  const { state, reason } = plugin;
  if (state === "enabled" && !reason) return null;
  const { title, next } = words.states[state];
  const tab = reviewTab(plugin) ?? (hasUpgrade(plugin) ? "upgrade" : undefined);
  return (
    <div className={styles["notice"]} data-tone={TONES[state]} role="note">
      <div>
        <strong>{title}</strong>
        {reason && <p>{reason}</p>}
        {next && mayDecide && <p>{next}</p>}
      </div>
      {tab && (
        <Link className={styles["action"]} to={pluginPath(plugin.name, tab)}>
          {tab === "upgrade" ? words.reviewUpgrade : words.review}
        </Link>
      )}
      {state === "quarantined" && (
        <Link className={styles["action"]} to={pluginPath(plugin.name, "logs")}>
          {words.toLogs}
        </Link>
      )}
    </div>
  );
}
