import type { ReactNode } from "react";

import styles from "./facts.module.css";

/** Names and what they are, below each other; what is undefined, null or false is left out. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className={styles["facts"]}>
      {facts.map(
        ([name, value]) =>
          value !== undefined &&
          value !== null &&
          value !== false && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
