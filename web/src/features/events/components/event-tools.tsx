import CaretRightOutlined from "@ant-design/icons/CaretRightOutlined";
import PauseOutlined from "@ant-design/icons/PauseOutlined";
import VerticalAlignTopOutlined from "@ant-design/icons/VerticalAlignTopOutlined";
import { Button, Checkbox } from "antd";

import { useLiveState } from "@/shared/live/live-provider";
import { texts } from "@/shared/texts";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

import styles from "./events.module.css";

interface Props {
  isPaused: boolean;
  held: number;
  /** Whether routine is left out; undefined where there is nothing to leave out. */
  isHiding: boolean | undefined;
  onPause: (isPaused: boolean) => void;
  onShowHeld: () => void;
  onHide: (isHiding: boolean) => void;
}

const words = texts.events;
const TONES: Record<string, Tone> = {
  connected: "good",
  reconnecting: "warn",
  connecting: "calm",
  closed: "bad",
};

/** Whether events come now, and what holds them. */
export function EventTools({ isPaused, held, isHiding, onPause, onShowHeld, onHide }: Props) {
  const state = useLiveState();
  const label = isPaused && state === "connected" ? words.paused : texts.shell.live[state];
  const tone = isPaused && state === "connected" ? "warn" : (TONES[state] ?? "calm");
  return (
    <div className={styles["tools"]}>
      <Button
        icon={isPaused ? <CaretRightOutlined /> : <PauseOutlined />}
        onClick={() => (isPaused ? onShowHeld() : onPause(true))}
      >
        {isPaused ? words.resume : words.pause}
      </Button>
      <span role="status" aria-label={words.title}>
        <StateTag state={state} tone={tone} label={label} />
      </span>
      {held > 0 && (
        <Button type="link" icon={<VerticalAlignTopOutlined />} onClick={onShowHeld}>
          {words.showHeld(held)}
        </Button>
      )}
      {isHiding !== undefined && (
        <Checkbox
          className={styles["routine"] ?? ""}
          checked={isHiding}
          onChange={(event) => onHide(event.target.checked)}
        >
          <span title={words.routineHint}>{words.routine}</span>
        </Checkbox>
      )}
    </div>
  );
}
