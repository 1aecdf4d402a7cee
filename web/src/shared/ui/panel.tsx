import { type ReactNode, useId } from "react";

import styles from "./panel.module.css";

interface Props {
  title: string;
  /** At the end of the title's line: a link or a figure. */
  extra?: ReactNode;
  children: ReactNode;
}

/** A part of a page with a title of its own. */
export function Panel({ title, extra, children }: Props) {
  const id = useId();
  return (
    <section className={styles["panel"]} aria-labelledby={id}>
      <div className={styles["head"]}>
        <h2 id={id}>{title}</h2>
        {extra && <div className={styles["extra"]}>{extra}</div>}
      </div>
      {children}
    </section>
  );
}
