import type { ReactNode } from "react";

import styles from "./tab.module.css";

interface Props {
  tone: "good" | "warn" | "bad" | "calm";
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

/** Something that one should know now, with what can be done about it. */
export function Notice({ tone, title, children, action }: Props) {
  return (
    <div className={styles["notice"]} data-tone={tone} role="status">
      <div>
        <strong>{title}</strong>
        {children && <p>{children}</p>}
      </div>
      {action}
    </div>
  );
}
