import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListWorkflowVersionsQuery } from "../editor/api/list-workflow-versions";
import { personOf } from "../logic/runs";
import styles from "./workflows.module.css";

const words = texts.workflows;
const SHOWN = 6;

/** Its latest versions; the editor compares them. */
export function VersionsPanel({ workflow }: { workflow: Schemas["Workflow"] }) {
  const { data, error, isLoading, refetch } = useListWorkflowVersionsQuery(workflow.id);
  return (
    <Panel title={words.versions}>
      {isLoading && <Loading rows={3} />}
      <ProblemNotice problem={error} onRetry={() => void refetch()} />
      <ul className={styles["rows"]}>
        {data?.items.slice(0, SHOWN).map(({ number, created_at, created_by }) => (
          <li key={number}>
            <span className={styles["two"]}>
              <span>
                {words.version(number)}
                {number === workflow.number && ` (${words.current})`}
              </span>
              <small>{words.by(personOf(created_by))}</small>
            </span>
            <span className={styles["muted"]}>
              <TimeAgo at={created_at} />
            </span>
          </li>
        ))}
      </ul>
      {data && data.items.length > SHOWN && (
        <p className={styles["muted"]}>{words.more(data.items.length - SHOWN)}</p>
      )}
    </Panel>
  );
}
