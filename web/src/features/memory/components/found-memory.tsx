import { Button } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { MemoryLine } from "./memory-line";
import styles from "./memory.module.css";
import { ScoreBar } from "./score-bar";

interface Props {
  memory: Schemas["Memory"];
  onOpen: () => void;
}

/** A memory that fits, and why. */
export function FoundMemory({ memory, onOpen }: Props) {
  return (
    <li>
      <article className={styles["card"]}>
        <p className={styles["text"]}>{memory.text}</p>
        <ScoreBar score={memory.score ?? 0} explain={memory.explain} />
        <div className={styles["cardFoot"]}>
          <MemoryLine memory={memory} />
          <Button size="small" onClick={onOpen}>
            {texts.memory.open}
          </Button>
        </div>
      </article>
    </li>
  );
}
