import type { EditorView } from "@codemirror/view";
import { useEffect, useRef, useState } from "react";

import { texts } from "@/shared/texts";

import { createCode, type LineProblem, replaceText, showLines, showProblems } from "./code";
import styles from "./yaml.module.css";

export interface YamlPaneProps {
  text: string;
  problems: readonly LineProblem[];
  /** Of the selected step: first and last. */
  lines: readonly [number, number] | undefined;
  isReadOnly: boolean;
  onChange: (text: string) => void;
  /** A click into a line. */
  onLine: (line: number) => void;
}

/** The text itself, beside the flow. */
export default function YamlPane({ text, problems, lines, isReadOnly, onChange, onLine }: YamlPaneProps) {
  const holder = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<EditorView>();
  const latest = useRef({ text, onChange, onLine });
  useEffect(() => {
    latest.current = { text, onChange, onLine };
  });
  useEffect(() => {
    if (!holder.current) return;
    const made = createCode({
      parent: holder.current,
      text: latest.current.text,
      label: texts.workflowsEditor.yaml,
      isReadOnly,
      onChange: (next) => latest.current.onChange(next),
      onLine: (line) => latest.current.onLine(line),
    });
    setView(made);
    return () => made.destroy();
  }, [isReadOnly]);
  useEffect(() => {
    if (view) replaceText(view, text);
  }, [view, text]);
  useEffect(() => {
    if (view) showProblems(view, problems);
  }, [view, problems]);
  const [from, to] = lines ?? [];
  useEffect(() => {
    if (!view) return;
    showLines(view, from === undefined || to === undefined ? undefined : [from, to]);
  }, [view, from, to]);
  return <div ref={holder} className={styles["code"]} />;
}
