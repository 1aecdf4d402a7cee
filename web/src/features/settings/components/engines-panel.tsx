import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Panel } from "@/shared/ui/panel";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

import styles from "./engines.module.css";

const TONES: Record<Schemas["Advisory"]["severity"], Tone> = {
  low: "calm",
  medium: "warn",
  high: "bad",
  critical: "bad",
  unknown: "warn",
};

/** What runs plugins, and what is known against these versions. */
export function EnginesPanel({ engines, day }: { engines: Schemas["Engine"][]; day: string }) {
  const words = texts.settings.machine;
  const isAffected = engines.some((engine) => engine.advisories.length > 0);
  return (
    <Panel title={words.engines} extra={words.advisoriesOf(day)}>
      <ul className={styles["engines"]}>
        {engines.map(({ name, version, advisories }) => (
          <li key={name}>
            <div className={styles["line"]}>
              <strong>
                {name} {version}
              </strong>
              <StateTag
                state="advisories"
                tone={advisories.length > 0 ? "warn" : "good"}
                label={words.advisories(advisories.length)}
              />
            </div>
            {advisories.length > 0 && (
              <ul className={styles["advisories"]}>
                {advisories.map((advisory) => (
                  <li key={advisory.id}>
                    <StateTag
                      state={advisory.severity}
                      tone={TONES[advisory.severity]}
                      label={words.severities[advisory.severity] ?? advisory.severity}
                    />
                    <div>
                      {advisory.summary}
                      <small>
                        <code>{advisory.id}</code> · {words.affected} <code>{advisory.affected}</code>
                      </small>
                    </div>
                  </li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
      {isAffected && <p className={styles["upgrade"]}>{words.upgrade}</p>}
    </Panel>
  );
}
