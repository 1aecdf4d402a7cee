import { Tooltip } from "antd";

import { useLiveState } from "@/shared/live/live-provider";
import { texts } from "@/shared/texts";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

const TONES: Record<ReturnType<typeof useLiveState>, Tone> = {
  connecting: "busy",
  connected: "good",
  reconnecting: "warn",
  closed: "calm",
};

/** Whether changes show up by themselves now. */
export function LiveMark() {
  const state = useLiveState();
  return (
    <Tooltip title={texts.shell.liveHint[state]}>
      <span role="status">
        <StateTag state={state} tone={TONES[state]} label={texts.shell.live[state]} />
      </span>
    </Tooltip>
  );
}
