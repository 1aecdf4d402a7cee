import { Input, Segmented } from "antd";
import { useEffect, useState } from "react";

import { texts } from "@/shared/texts";

import type { PluginFilter } from "../api/list-plugins";
import styles from "./plugin-list.module.css";

interface Props {
  filter: PluginFilter;
  onState: (state: string) => void;
  onSearch: (text: string) => void;
}

const words = texts.plugins.list;
const OPTIONS = Object.entries(words.states).map(([value, label]) => ({ value, label }));
const PAUSE_MS = 250;

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
      <Search text={filter.q} onSearch={onSearch} />
    </div>
  );
}

function Search({ text, onSearch }: { text: string; onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  const [known, setKnown] = useState(text);
  if (text !== known) {
    setKnown(text);
    if (text !== typed.trim()) setTyped(text);
  }
  const wanted = typed.trim();
  useEffect(() => {
    if (wanted === text) return;
    const timer = setTimeout(() => onSearch(wanted), PAUSE_MS);
    return () => clearTimeout(timer);
  });
  return (
    <Input.Search
      className={styles["search"] ?? ""}
      aria-label={words.search}
      placeholder={words.searchHint}
      allowClear
      maxLength={200}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onSearch={(value) => onSearch(value.trim())}
    />
  );
}
