import type { ReactNode } from "react";

import { useTitle } from "@/shared/hooks/use-title";

import styles from "./page-header.module.css";

interface Props {
  title: string;
  lead?: ReactNode;
  /** Tags beside the title, such as a StateTag. */
  tags?: ReactNode;
  /** Buttons at the end of the line. */
  actions?: ReactNode;
}

/** The head of every page: its one h1, what it is for, what can be done. It names the browser's tab too. */
export function PageHeader({ title, lead, tags, actions }: Props) {
  useTitle(title);
  return (
    <header className={styles["header"]}>
      <div className={styles["words"]}>
        <div className={styles["line"]}>
          <h1>{title}</h1>
          {tags}
        </div>
        {lead && <p>{lead}</p>}
      </div>
      {actions && <div className={styles["actions"]}>{actions}</div>}
    </header>
  );
}
