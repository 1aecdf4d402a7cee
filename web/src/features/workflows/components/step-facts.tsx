import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { TimeAgo } from "@/shared/ui/time-ago";
import { took } from "@/shared/ui/units";

import { MetaValue } from "./meta-value";

const words = texts.workflows.oneRun.facts;

/** When a step began, what it cost and who did it. */
export function StepFacts({ step }: { step: Schemas["RunStep"] }) {
  return (
    <Facts
      facts={[
        [words.kind, texts.workflowsEditor.kinds[step.kind] ?? step.kind],
        [words.took, took(Math.max(0, step.at - step.began_at))],
        [words.began, <TimeAgo key="began" at={step.began_at} />],
        [words.attempt, step.attempt > 1 && step.attempt],
        [words.place, <code key="place">{step.place}</code>],
        ...Object.entries(step.meta)
          .filter(([name]) => name !== "given") // beside the input, where there is room for it
          .map(([name, value]): [string, React.ReactNode] => [
            name.replaceAll("_", " "),
            <MetaValue key={name} name={name} value={value} />,
          ]),
      ]}
    />
  );
}
