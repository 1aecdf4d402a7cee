import { Segmented } from "antd";

import { texts } from "@/shared/texts";

import type { PluginFilter } from "../api/list-plugins";
import styles from "./plugin-list.module.css";
import { SearchField } from "./search-field";

interface Props {
  filter: PluginFilter;
  onState: (state: string) => void;
  onSearch: (text: string) => void;
}

const words = texts.plugins.list;
const OPTIONS = Object.entries(words.states).map(([value, label]) => ({ value, label }));

/** What of the list is shown; it stands in the address. */
export function PluginFilters({ filter, onState, onSearch }: Props) {
  return (
    <div className={styles["filters"]}>
      <div className={styles["states"]}>
        <Segmented
          aria-label={words.stateFilter}
          name="plugin-state"
          options={OPTIONS}
          value={filter.state}
          onChange={onState}
        />
      </div>
      {/* Another text in the address, by going back or "show all", begins the field anew. */}
      <SearchField label={words.search} hint={words.searchHint} text={filter.q} onSearch={onSearch} />
    </div>
  );
}
