import type { ReactNode } from "react";

import { useTitle } from "@/shared/hooks/use-title";
import { BrandMark } from "@/shared/ui/brand-mark";

import styles from "./entry-card.module.css";

/** The frame of the pages before the console: log in and set up. */
export function EntryCard({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  useTitle(title);
  return (
    <main className={styles["page"]}>
      <div className={styles["card"]}>
        <BrandMark size={40} />
        <h1>{title}</h1>
        <p>{lead}</p>
        {children}
      </div>
    </main>
  );
}
