import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { TimeAgo } from "@/shared/ui/time-ago";

import type { Drafts } from "./use-drafts";
import styles from "./drafts.module.css";
import { RivalDialog } from "./rival-dialog";

const words = texts.workflowsEditor.drafts;

interface Props {
  drafts: Drafts;
  text: string;
  others: Schemas["DraftShown"]["others"];
  /** A version that was saved after the one that is edited. */
  newer: Schemas["Workflow"] | undefined;
  onTake: (text: string) => void;
  onNewer: () => void;
}

/** What somebody who edits has to know of the same workflow elsewhere. */
export function DraftBar({ drafts, text, others, newer, onTake, onNewer }: Props) {
  const [isOpen, setOpen] = useState(false);
  const { rival } = drafts;
  return (
    <>
      {rival && (
        <div className={styles["bar"]} role="alert">
          <span>
            <strong>{words.rival}</strong> {words.rivalAt} <TimeAgo at={rival.at} />. {words.rivalNext}
          </span>
          <Button size="small" onClick={() => setOpen(true)}>
            {words.compare}
          </Button>
        </div>
      )}
      {newer && (
        <div className={styles["bar"]} role="alert">
          <span>
            <strong>{words.newer(newer.number, personOf(newer.changed_by))}</strong> {words.newerNext}
          </span>
          <Button size="small" onClick={onNewer}>
            {words.compare}
          </Button>
        </div>
      )}
      {others.length > 0 && (
        <div className={styles["bar"]} role="note">
          {words.others(
            others.map(({ who }) => who),
            others.length,
          )}
        </div>
      )}
      <RivalDialog
        rival={isOpen ? rival : undefined}
        mine={text}
        onMine={() => {
          drafts.keepMine();
          setOpen(false);
        }}
        onTheirs={() => {
          const taken = drafts.takeTheirs();
          if (taken) onTake(taken.text);
          setOpen(false);
        }}
        onClose={() => setOpen(false)}
      />
    </>
  );
}

/** `rest:ada` is ada. */
const personOf = (by: string) => by.slice(by.indexOf(":") + 1);
