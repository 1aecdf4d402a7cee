import type { ReactNode } from "react";

import styles from "./empty-state.module.css";

interface Props {
  title: string;
  /** The next step, in one sentence. */
  next: ReactNode;
  icon?: ReactNode;
  /** A button or link that does it. */
  action?: ReactNode;
}

/** Instead of an empty list: what would be here, and how it gets here. */
export function EmptyState({ title, next, icon, action }: Props) {
  return (
    <div className={styles["empty"]}>
      {icon && (
        <div className={styles["icon"]} aria-hidden>
          {icon}
        </div>
      )}
      <p className={styles["title"]}>{title}</p>
      <p className={styles["next"]}>{next}</p>
      {action && <div className={styles["action"]}>{action}</div>}
    </div>
  );
}
