import { MergeView } from "@codemirror/merge";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";

import { basics } from "./code";
import styles from "./yaml.module.css";

export interface TextDiffProps {
  before: string;
  after: string;
  beforeLabel: string;
  afterLabel: string;
}

/** Two texts side by side, with what differs marked. */
export default function TextDiff({ before, after, beforeLabel, afterLabel }: TextDiffProps) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!holder.current) return;
    const part = (doc: string, label: string) => ({
      doc,
      extensions: [basics(label, true), EditorView.lineWrapping],
    });
    const view = new MergeView({
      parent: holder.current,
      a: part(before, beforeLabel),
      b: part(after, afterLabel),
      collapseUnchanged: { margin: 3, minSize: 6 },
    });
    return () => view.destroy();
  }, [before, after, beforeLabel, afterLabel]);
  return (
    <div className={styles["diff"]}>
      <div className={styles["labels"]}>
        <span>{beforeLabel}</span>
        <span>{afterLabel}</span>
      </div>
      <div ref={holder} className={styles["merge"]} />
    </div>
  );
}
