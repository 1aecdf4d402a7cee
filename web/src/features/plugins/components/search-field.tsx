import { Input } from "antd";
import { useEffect, useState } from "react";

import styles from "./plugin-list.module.css";

interface Props {
  label: string;
  hint: string;
  text: string;
  onSearch: (text: string) => void;
}

const PAUSE_MS = 250;

/** A field whose text is searched for once nobody types any more. */
export function SearchField({ label, hint, text, onSearch }: Props) {
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
      aria-label={label}
      placeholder={hint}
      allowClear
      maxLength={200}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onSearch={(value) => onSearch(value.trim())}
    />
  );
}
