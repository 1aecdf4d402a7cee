import { Button, Input, Segmented, Select } from "antd";
import { useSearchParams } from "react-router";

import { useAddress } from "@/shared/hooks/use-address";
import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";

import { filterOf, type RunFilter, STATUSES, TEXTS } from "../logic/run-filter";
import { RunList } from "./run-list";
import styles from "./workflows.module.css";

const words = texts.workflows.runs;
const ALL = "all";
const GIVEN = "given";
const NO_FILTER = {
  ...{ status: undefined, workflow: undefined, label: undefined },
  ...{ owner: undefined, q: undefined, since: undefined },
};

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
        <MoreFilters filter={filter} />
      </div>
      <RunList filter={filter} empty={<NoRuns filter={filter} onAll={() => change(NO_FILTER)} />} />
    </div>
  );
}

/** What runs are searched by, beside their state: kept in the address, as the state is. */
function MoreFilters({ filter }: { filter: RunFilter }) {
  const change = useAddress();
  const since =
    filter.since === undefined
      ? []
      : [{ value: GIVEN, label: words.since(new Date(filter.since * 1000).toLocaleString(locale)) }];
  return (
    <>
      {TEXTS.map((name) => (
        <Input.Search
          key={`${name}-${filter[name] ?? ""}`}
          className={styles["search"]}
          aria-label={words.by[name]}
          placeholder={words.by[name]}
          defaultValue={filter[name]}
          maxLength={200}
          allowClear
          onSearch={(text) => change({ [name]: text.trim() || undefined })}
        />
      ))}
      <Select
        aria-label={words.when}
        value={filter.since === undefined ? ALL : GIVEN}
        options={[{ value: ALL, label: words.anyTime }, ...words.spans, ...since]}
        popupMatchSelectWidth={false}
        onChange={(span) => {
          const seconds = Number(span);
          if (span === ALL) change({ since: undefined });
          else if (seconds > 0) change({ since: String(Math.floor(Date.now() / 1000) - seconds) });
        }}
      />
    </>
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
