import { Link } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Facts } from "@/shared/ui/facts";
import { Panel } from "@/shared/ui/panel";
import { TimeAgo } from "@/shared/ui/time-ago";

import { childrenOf, isOver, personOf } from "../logic/runs";
import { RunAudit } from "./run-audit";
import styles from "./workflows.module.css";
import { Took } from "./took";
import { TriggerWords } from "./trigger-words";

const words = texts.workflows.oneRun;
const MOST_CHILDREN = 50;

interface Props {
  run: Schemas["Run"];
  steps: readonly Schemas["RunStep"][];
}

/** What began a run, when, what belongs to it, and whether its journal is what was written. */
export function RunAbout({ run, steps }: Props) {
  const children = childrenOf(steps).slice(0, MOST_CHILDREN);
  const version = run.number === null ? texts.workflows.runs.trial : texts.workflows.version(run.number);
  const named = words.facts;
  return (
    <Panel title={words.about}>
      <Facts
        facts={[
          [
            named.id,
            <span key="id">
              <code>{run.id}</code> <CopyButton text={run.id} label={words.copyId} />
            </span>,
          ],
          [named.version, version],
          [named.trigger, <TriggerWords key="trigger" run={run} />],
          [named.by, personOf(run.by)],
          [named.labels, run.labels.length > 0 && run.labels.join(", ")],
          [named.created, <TimeAgo key="created" at={run.created_at} />],
          [named.ended, run.ended_at !== null && <TimeAgo at={run.ended_at} />],
          [named.due, !isOver(run) && run.due_at !== null && <TimeAgo at={run.due_at} />],
          [named.took, run.started_at !== null && <Took run={run} />],
          [named.parent, run.parent && <RunLink id={run.parent} />],
          [named.forked, run.forked_from && <RunLink id={run.forked_from} />],
          [
            named.children,
            children.length > 0 && (
              <ul className={styles["plain"]}>
                {children.map((id) => (
                  <li key={id}>
                    <RunLink id={id} />
                  </li>
                ))}
              </ul>
            ),
          ],
          [named.rows, run.steps],
        ]}
      />
      <RunAudit run={run.id} />
    </Panel>
  );
}

function RunLink({ id }: { id: string }) {
  return <Link to={`/workflows/runs/${encodeURIComponent(id)}`}>{id}</Link>;
}
