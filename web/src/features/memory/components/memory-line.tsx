import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { TimeAgo } from "@/shared/ui/time-ago";

import { ownerName, tierName } from "../logic/policy";
import styles from "./memory.module.css";

/** Where a memory comes from, in one line: tier, who wrote it, when, from what. */
export function MemoryLine({ memory }: { memory: Schemas["Memory"] }) {
  const words = texts.memory.detail;
  return (
    <p className={styles["line"]}>
      <span className={styles["tier"]}>{tierName(memory.tier)}</span>
      <span>{ownerName(memory.owner)}</span>
      <span>
        {words.writer.toLowerCase()} {memory.writer}
      </span>
      {memory.source && (
        <span>
          {words.source.toLowerCase()} {memory.source}
        </span>
      )}
      <TimeAgo at={memory.created_at} />
      {memory.pinned && <span>{words.pinned}</span>}
    </p>
  );
}
