import { Button, Input, Select } from "antd";

import { texts } from "@/shared/texts";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

import type { useLogStream } from "../use-log-stream";
import styles from "./logs.module.css";

interface Props {
  stream: ReturnType<typeof useLogStream>;
  level: string;
  text: string;
  onLevel: (level: string) => void;
  onText: (text: string) => void;
}

const words = texts.plugins.care;
const LEVELS = Object.entries(words.levels).map(([value, label]) => ({ value, label }));
const STATES: Record<Props["stream"]["state"], [string, Tone]> = {
  connecting: [words.connecting, "calm"],
  connected: [words.live, "good"],
  reconnecting: [words.reconnecting, "warn"],
  closed: [words.closed, "calm"],
};

/** Which lines are shown, and whether they go on. */
export function LogTools({ stream, level, text, onLevel, onText }: Props) {
  const { state, isPaused, held, pause, clear } = stream;
  const [label, tone] = isPaused ? ([words.paused(held), "warn"] as const) : STATES[state];
  return (
    <div className={styles["tools"]}>
      <Select
        className={styles["level"] ?? ""}
        aria-label={words.level}
        options={LEVELS}
        value={level}
        onChange={onLevel}
      />
      <Input
        className={styles["find"] ?? ""}
        aria-label={words.find}
        placeholder={words.find}
        allowClear
        value={text}
        onChange={(event) => onText(event.target.value)}
      />
      <span role="status">
        <StateTag state={state} label={label} tone={tone} />
      </span>
      <div className={styles["buttons"]}>
        <Button onClick={() => pause(!isPaused)}>{isPaused ? words.resume : words.pause}</Button>
        <Button onClick={clear}>{words.clear}</Button>
      </div>
    </div>
  );
}
