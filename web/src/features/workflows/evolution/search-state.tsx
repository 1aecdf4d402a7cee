import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { signed } from "@/shared/ui/units";
import { StateTag } from "@/shared/ui/state-tag";

const words = texts.workflows.searches;

/** The state of a search; one that ended with nothing to propose says so. */
export function SearchState({ search }: { search: Schemas["Evolution"] }) {
  if (search.promoted !== null)
    return <StateTag state="promoted" tone="good" label={words.states.promoted} />;
  if (search.state === "done" && search.best === null) {
    return <StateTag state="done" tone="calm" label={words.states.nothing} />;
  }
  return <StateTag state={search.state} label={words.states[search.state]} />;
}

/** The gain on the cases held out, in points of a hundred. */
export function Gain({ search }: { search: Schemas["Evolution"] }) {
  return search.gain === null ? texts.common.none : words.points(signed(search.gain * 100));
}
