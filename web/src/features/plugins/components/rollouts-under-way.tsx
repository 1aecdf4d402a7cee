import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { StateTag } from "@/shared/ui/state-tag";

import { useListRolloutsQuery } from "../api/list-rollouts";
import { pluginPath } from "../logic/review";
import { versionName } from "../logic/rollout";
import styles from "./rollout.module.css";

const words = texts.plugins.rollout;
const EVERY_MS = 5000;

/** The rollouts under way, each with the way to it; nothing while there are none. */
export function RolloutsUnderWay() {
  const { data } = useListRolloutsQuery(undefined, {
    pollingInterval: EVERY_MS,
    skipPollingIfUnfocused: true,
  });
  if (!data?.items.length) return null;
  return (
    <section className={styles["under"]} aria-label={words.list}>
      <h2>{words.list}</h2>
      <ul>
        {data.items.map(({ rollout, share, after }) => (
          <li key={rollout.plugin}>
            <Link to={pluginPath(rollout.plugin, "rollout")}>{rollout.plugin}</Link>
            <span>{words.under(versionName(after), share)}</span>
            <StateTag state="running" label={words.states.running} />
            {rollout.reason && <small>{rollout.reason}</small>}
          </li>
        ))}
      </ul>
    </section>
  );
}
