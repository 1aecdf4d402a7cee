import { texts } from "@/shared/texts";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

const TONES: Record<string, Tone> = {
  running: "busy",
  waiting: "warn",
  suspended: "warn",
  completed: "good",
  faulted: "bad",
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
  return <StateTag state={state} tone={TONES[state] ?? "calm"} label={label} />;
}
