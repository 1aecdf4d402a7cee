import { took } from "./units";
import styles from "./waterfall.module.css";

export interface WaterfallBar {
  name: string;
  /** After the whole began. Units: milliseconds. */
  begin: number;
  /** Units: milliseconds. */
  length: number;
  isBad: boolean;
  /** How deep it is inside of others. */
  depth?: number;
}

const LEAST = 0.4;

/** What happened when, and how long it took: one bar for each thing, on one line of time. */
export function Waterfall({ label, bars }: { label: string; bars: readonly WaterfallBar[] }) {
  const end = Math.max(...bars.map(({ begin, length }) => begin + length), 0.001);
  return (
    <ol className={styles["list"]} aria-label={label}>
      {bars.map(({ name, begin, length, isBad, depth = 0 }, place) => (
        <li key={place} className={styles["row"]}>
          <span className={styles["name"]} style={{ paddingInlineStart: depth * 12 }} title={name}>
            {name}
          </span>
          <span className={styles["lane"]} aria-hidden>
            <span
              className={isBad ? styles["bad"] : styles["bar"]}
              style={{
                insetInlineStart: `${(begin / end) * 100}%`,
                width: `${Math.max(LEAST, (length / end) * 100)}%`,
              }}
            />
          </span>
          <span className={styles["took"]}>{took(length / 1000)}</span>
        </li>
      ))}
    </ol>
  );
}
