import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Panel } from "@/shared/ui/panel";
import { TimeAgo } from "@/shared/ui/time-ago";

import { inputNames, inputSchema } from "../logic/input";
import { personOf } from "../logic/runs";

const words = texts.workflows;

/** Its name, version and what it takes. */
export function AboutPanel({ workflow }: { workflow: Schemas["Workflow"] }) {
  const { id, version, changed_at, changed_by, document } = workflow;
  const schema = inputSchema(document);
  const names = schema ? inputNames(schema).join(", ") : "";
  return (
    <Panel title={words.about}>
      <Facts
        facts={[
          [words.facts.name, <code key="name">{id}</code>],
          [words.facts.version, version],
          [words.facts.input, names ? words.takes(names) : words.noInput],
          [
            words.facts.changed,
            <span key="changed">
              <TimeAgo at={changed_at} /> {words.by(personOf(changed_by))}
            </span>,
          ],
        ]}
      />
    </Panel>
  );
}
