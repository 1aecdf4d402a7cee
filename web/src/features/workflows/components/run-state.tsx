import { texts } from "@/shared/texts";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

import { TONES } from "../logic/runs";

const STEP_TONES: Record<string, Tone> = {
  ...TONES,
  retried: "warn",
  open: "busy",
  fired: "good",
  received: "good",
};

/** The state of a run as a word. */
export function RunState({ status }: { status: string }) {
  const label = texts.workflows.states[status] ?? status;
  return <StateTag state={status} tone={TONES[status] ?? "calm"} label={label} />;
}

/** The state of a step as a word. */
export function StepState({ state }: { state: string }) {
  const label = texts.workflows.oneRun.stepStates[state] ?? state;
  return <StateTag state={state} tone={STEP_TONES[state] ?? "calm"} label={label} />;
}
