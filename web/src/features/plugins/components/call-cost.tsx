import { texts } from "@/shared/texts";
import { bytes, count, took } from "@/shared/ui/units";

import type { Cost } from "../logic/answer";
import styles from "./functions.module.css";

const words = texts.plugins.calls;

/** What a call cost: time, fuel, memory, and what it asked of the host. */
export function CallCost({ cost }: { cost: Cost }) {
  const verbs = Object.entries(cost.host_calls);
  const calls = verbs.reduce((sum, [, times]) => sum + times, 0);
  return (
    <section className={styles["part"]} aria-label={words.cost}>
      <h3>{words.cost}</h3>
      <dl className={styles["costs"]}>
        <Cell name={words.time} value={took(cost.time_ms / 1000)} />
        <Cell
          name={words.fuel}
          value={cost.fuel === null ? words.fuelUnknown : words.fuelUnit(count(cost.fuel))}
        />
        <Cell
          name={words.memory}
          value={cost.memory_bytes === null ? words.memoryUnknown : bytes(cost.memory_bytes)}
        />
        <Cell
          name={words.hostCalls}
          value={calls === 0 ? words.noHostCalls : count(calls)}
          more={verbs.map(([verb, times]) => `${verb} × ${count(times)}`).join(", ")}
        />
      </dl>
    </section>
  );
}

function Cell({ name, value, more }: { name: string; value: string; more?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {more && <small>{more}</small>}
      </dd>
    </div>
  );
}
