import { texts } from "@/shared/texts";

import { partsOf, scored } from "../logic/score";
import styles from "./score-bar.module.css";

interface Props {
  /** 0 to 1. */
  score: number;
  explain: Record<string, number> | undefined;
}

/** A score as a bar of its parts, with their numbers below. */
export function ScoreBar({ score, explain }: Props) {
  const parts = partsOf(explain);
  const words = texts.memory.score;
  if (parts.length === 0 && score === 0) {
    return <p className={styles["rule"]}>{texts.memory.search.rule}</p>;
  }
  const told = parts.map(({ label, value }) => `${label} ${scored(value)}`).join(", ") || words.nothing;
  return (
    <div className={styles["score"]}>
      <strong title={words.label}>{scored(score)}</strong>
      <div className={styles["bar"]} role="img" aria-label={words.of(scored(score), told)}>
        {parts.map(({ name, kind, shade, value }) => (
          <span
            key={name}
            data-kind={kind}
            data-shade={Math.min(shade, 2)}
            style={{ width: `${Math.min(1, value) * 100}%` }}
          />
        ))}
      </div>
      <ul className={styles["legend"]} aria-hidden>
        {parts.map(({ name, label, kind, shade, value }) => (
          <li key={name} data-kind={kind} data-shade={Math.min(shade, 2)}>
            {label} <b>{scored(value)}</b>
          </li>
        ))}
      </ul>
    </div>
  );
}
