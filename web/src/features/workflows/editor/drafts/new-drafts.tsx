import { Button } from "antd";
import { useState } from "react";
import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useDiscardDraftMutation } from "../api/discard-draft";
import { useListDraftsQuery } from "../api/list-drafts";
import styles from "./drafts.module.css";
import { browserStorage, localCopies, localNewDrafts } from "./local-drafts";

const words = texts.workflowsEditor.drafts;

/** Drafts of new workflows that were begun before and wait to be continued. */
export function NewDrafts({ user }: { user: string }) {
  const { data } = useListDraftsQuery();
  const [discard] = useDiscardDraftMutation();
  const [gone, setGone] = useState<readonly string[]>([]);
  const times = new Map<string, number>();
  for (const { draft, at } of localNewDrafts(browserStorage(), user)) times.set(draft, at);
  for (const { draft, changed_at: at } of data?.items ?? []) if (draft.startsWith("~")) times.set(draft, at);
  const waiting = [...times].filter(([draft]) => !gone.includes(draft)).sort(([, a], [, b]) => b - a);
  if (waiting.length === 0) return null;
  const drop = (draft: string) => {
    setGone([...gone, draft]);
    const storage = browserStorage();
    for (const { key } of localCopies(storage, user, draft)) storage?.removeItem(key);
    void discard({ draft });
  };
  return (
    <section className={styles["bar"]} aria-label={words.waiting}>
      <strong>{words.waiting}</strong>
      <ul className={styles["list"]}>
        {waiting.map(([draft, at]) => (
          <li key={draft}>
            <Link to={`/workflows/new?draft=${encodeURIComponent(draft)}`}>
              {words.continue} <TimeAgo at={at} />
            </Link>
            <Button size="small" type="text" onClick={() => drop(draft)}>
              {words.discard}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
