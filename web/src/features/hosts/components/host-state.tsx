import { texts } from "@/shared/texts";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

const TONES: Record<string, Tone> = {
  ready: "good",
  cordoned: "warn",
  draining: "busy",
  drained: "calm",
  away: "bad",
};

/** The state of a host as a word with a mark. */
export function HostState({ state }: { state: string }) {
  return <StateTag state={state} tone={TONES[state] ?? "calm"} label={texts.hosts.states[state] ?? state} />;
}
