import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";

import { useGetHealthQuery } from "../api/get-health";
import styles from "./rows.module.css";

const EVERY_MS = 15_000;
const WELL = "Healthy";

/** Each part of the host: those that are not well with the reason, then the names of the others. */
export function HealthPanel() {
  const { data, error, isLoading, refetch } = useGetHealthQuery(undefined, {
    pollingInterval: EVERY_MS,
    skipPollingIfUnfocused: true,
  });
  const parts = Object.entries(data?.subsystems ?? {});
  const ill = parts.filter(([, { status }]) => status !== WELL);
  const well = parts.filter(([, { status }]) => status === WELL);
  const bypassed = data?.features.filter((feature) => !feature.enabled) ?? [];
  return (
    <Panel title={texts.home.health} extra={data && <StateTag state={data.overall} />}>
      {isLoading && <Loading />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      {ill.length + bypassed.length > 0 && (
        <ul className={styles["rows"]}>
          {ill.map(([name, part]) => (
            <li key={name}>
              <span className={styles["name"]}>
                {name}
                {part.reason && <small>{part.reason}</small>}
              </span>
              <StateTag state={part.status} />
            </li>
          ))}
          {bypassed.map((feature) => (
            <li key={`feature ${feature.name}`}>
              <span className={styles["name"]}>
                {feature.name}
                {feature.reason && <small>{feature.reason}</small>}
              </span>
              <StateTag state="bypassed" tone="warn" label={texts.home.bypassed} />
            </li>
          ))}
        </ul>
      )}
      {well.length > 0 && (
        <>
          <p className={styles["well"]}>{texts.home.well(well.length)}</p>
          <ul className={styles["names"]} aria-label={texts.home.well(well.length)}>
            {well.map(([name, part]) => (
              <li key={name} {...(part.reason && { title: part.reason })}>
                {name}
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}
