import { texts } from "@/shared/texts";
import { TimeAgo } from "@/shared/ui/time-ago";

import { momentIn } from "../logic/moments";
import styles from "./tasks.module.css";

interface Props {
  /** Seconds since the epoch. */
  runs: readonly number[];
  timeZone: string;
  /** What the schedule says, in words. */
  words: string;
  /** Instead of an empty list. */
  none?: string;
}

/** When a schedule runs next: in words, as clocks of its time zone show it. */
export function NextRuns({ runs, timeZone, words, none = texts.tasks.schedules.noRuns }: Props) {
  return (
    <>
      {words && (
        <p className={styles["words"]}>
          {words} ({timeZone})
        </p>
      )}
      {runs.length === 0 ? (
        <p className={styles["muted"]}>{none}</p>
      ) : (
        <ol className={styles["runs"]} aria-label={texts.tasks.schedules.nextRuns}>
          {runs.map((at) => (
            <li key={at}>
              <span>{momentIn(at, timeZone)}</span>
              <TimeAgo at={at} />
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
