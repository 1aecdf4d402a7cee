import type { ReactNode } from "react";

import styles from "./tab.module.css";

interface Props {
  title: string;
  lead: ReactNode;
  /** Buttons at the end of the line. */
  actions?: ReactNode;
}

/** The head of a tab: what it is for and what can be done. */
export function TabHead({ title, lead, actions }: Props) {
  return (
    <div className={styles["head"]}>
      <div>
        <h2>{title}</h2>
        <p>{lead}</p>
      </div>
      {actions && <div className={styles["actions"]}>{actions}</div>}
    </div>
  );
}
