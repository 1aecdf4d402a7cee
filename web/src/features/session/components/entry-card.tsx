import type { ReactNode } from "react";

import { useTitle } from "@/shared/hooks/use-title";
import { CHOICES, choose, tag } from "@/shared/language/language";
import { texts } from "@/shared/texts";
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
        <nav className={styles["languages"]} aria-label={texts.shell.language}>
          {CHOICES.map((one) => (
            <button
              key={one.tag}
              type="button"
              lang={one.tag}
              aria-pressed={one.tag === tag}
              onClick={() => choose(one.tag)}
            >
              {one.name}
            </button>
          ))}
        </nav>
      </div>
    </main>
  );
}
