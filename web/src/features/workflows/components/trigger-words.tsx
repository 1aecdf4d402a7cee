import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { triggerName } from "../logic/runs";

/** What began a run. */
export function TriggerWords({ run }: { run: Schemas["Run"] }) {
  const trigger = run.trigger as Record<string, unknown>;
  const kind = typeof trigger["kind"] === "string" ? trigger["kind"] : "";
  const words = texts.workflows.runs.triggers[kind] ?? kind;
  const name = triggerName(trigger);
  return (
    <span title={name}>
      {words}
      {name !== undefined && kind !== "workflow" && ` ${name}`}
    </span>
  );
}
