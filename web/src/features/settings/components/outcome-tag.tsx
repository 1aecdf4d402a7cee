import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

type Outcome = Schemas["AuditRow"]["outcome"];

const TONES: Record<Outcome, Tone> = { done: "good", refused: "warn", failed: "bad", unknown: "warn" };

/** What came of a change. */
export function OutcomeTag({ outcome }: { outcome: Outcome }) {
  return <StateTag state={outcome} tone={TONES[outcome]} label={texts.settings.audit.outcomes[outcome]} />;
}
