import { texts } from "@/shared/texts";

import styles from "./state-tag.module.css";

export type Tone = "good" | "warn" | "bad" | "busy" | "calm";

const TONES: Record<string, Tone> = {
  enabled: "good",
  done: "good",
  Healthy: "good",
  "needs-grant": "warn",
  "needs-review": "warn",
  waiting: "calm",
  Degraded: "warn",
  quarantined: "bad",
  rejected: "bad",
  failed: "bad",
  Unhealthy: "bad",
  running: "busy",
};

interface Props {
  /** A state as the API names it. */
  state: string;
  /** For states that are not among the common ones. */
  tone?: Tone;
  /** Instead of the state's name in the catalogue. */
  label?: string;
}

/** A state as a word with a mark of its tone; never by colour alone. */
export function StateTag({
  state,
  tone = TONES[state] ?? "calm",
  label = texts.common.states[state] ?? state,
}: Props) {
  return <span className={`${styles["tag"] ?? ""} ${styles[tone] ?? ""}`}>{label}</span>;
}
