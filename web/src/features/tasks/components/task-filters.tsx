import { Segmented, Select } from "antd";
import { useId } from "react";

import { texts } from "@/shared/texts";

import { useListTaskPluginsQuery } from "../api/list-task-plugins";
import { STATES, type TaskFilter, type TaskState } from "../logic/task-filter";
import styles from "./tasks.module.css";

interface Props {
  filter: TaskFilter;
  onFilter: (filter: TaskFilter) => void;
}

const ANY = "any";

/** Which tasks are listed: of a state, ordered by somebody. */
export function TaskFilters({ filter, onFilter }: Props) {
  const { data } = useListTaskPluginsQuery();
  const id = useId();
  const { tasks, common } = texts;
  const owners = [...Object.keys(tasks.owners), ...(data?.items.map(({ name }) => name) ?? [])];
  if (filter.owner && !owners.includes(filter.owner)) owners.push(filter.owner);
  return (
    <div className={styles["filters"]} role="group" aria-label={tasks.filters}>
      <div className={styles["scroll"]}>
        <Segmented<TaskState | typeof ANY>
          aria-label={tasks.state}
          value={filter.state ?? ANY}
          options={[
            { value: ANY, label: tasks.anyState },
            ...STATES.map((value) => ({ value, label: common.states[value] ?? value })),
          ]}
          onChange={(state) => onFilter({ ...owner(filter.owner), ...(state !== ANY && { state }) })}
        />
      </div>
      <div className={styles["owner"]}>
        <label htmlFor={id}>{tasks.owner}</label>
        <Select
          id={id}
          value={filter.owner ?? ""}
          showSearch
          popupMatchSelectWidth={false}
          options={[
            { value: "", label: tasks.anyOwner },
            ...owners.map((value) => ({ value, label: tasks.owners[value] ?? value })),
          ]}
          onChange={(value) => onFilter({ ...(filter.state && { state: filter.state }), ...owner(value) })}
        />
      </div>
    </div>
  );
}

function owner(value: string | undefined): TaskFilter {
  return value ? { owner: value } : {};
}
