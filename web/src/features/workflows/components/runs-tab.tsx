import { Button, Segmented } from "antd";
import { useSearchParams } from "react-router";

import { useAddress } from "@/shared/hooks/use-address";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";

import { filterOf, type RunFilter, STATUSES } from "../logic/run-filter";
import { RunList } from "./run-list";
import styles from "./workflows.module.css";

const words = texts.workflows.runs;
const ALL = "all";

/** Every run, newest first; those that failed are the dead letters. */
export function RunsTab() {
  const [query] = useSearchParams();
  const change = useAddress();
  const filter = filterOf(query);
  return (
    <div className={styles["stack"]}>
      <div className={styles["filters"]}>
        <div className={styles["scroll"]}>
          <Segmented
            aria-label={words.filter}
            value={filter.status ?? ALL}
            options={[
              { value: ALL, label: words.all },
              ...STATUSES.map((value) => ({ value, label: texts.workflows.states[value] ?? value })),
            ]}
            onChange={(value) => change({ status: value === ALL ? undefined : value })}
          />
        </div>
        {filter.workflow !== undefined && (
          <span className={styles["muted"]}>
            {words.ofWorkflow(filter.workflow)}{" "}
            <Button type="link" size="small" onClick={() => change({ workflow: undefined })}>
              {words.everyWorkflow}
            </Button>
          </span>
        )}
      </div>
      <RunList
        filter={filter}
        empty={<NoRuns filter={filter} onAll={() => change({ status: undefined, workflow: undefined })} />}
      />
    </div>
  );
}

function NoRuns({ filter, onAll }: { filter: RunFilter; onAll: () => void }) {
  const all = <Button onClick={onAll}>{words.showAll}</Button>;
  if (filter.status === "faulted")
    return <EmptyState title={words.noFailed} next={words.noFailedNext} action={all} />;
  if (Object.keys(filter).length > 0)
    return <EmptyState title={words.noMatch} next={words.noMatchNext} action={all} />;
  return <EmptyState title={words.none} next={words.noneNext} />;
}
