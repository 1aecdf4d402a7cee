import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { StateTag } from "@/shared/ui/state-tag";

import { stateOf } from "../logic/connector";

/** Whether calls pass. */
export function ConnectorState({ connector }: { connector: Schemas["Connector"] }) {
  const { state, tone } = stateOf(connector);
  const { states, stateHints } = texts.connectors;
  return (
    <span title={stateHints[state]}>
      <StateTag state={state} tone={tone} label={states[state] ?? state} />
    </span>
  );
}
