import { Button } from "antd";

import type { Related } from "../logic/edges";
import styles from "./memory.module.css";

interface Props {
  related: Related;
  onShow: (id: string) => void;
}

/** What a memory has to do with another one, which a press shows. */
export function RelatedMemory({ related: { words, other }, onShow }: Props) {
  return (
    <li>
      <span>{words}</span>
      {other !== undefined && (
        <Button type="link" className={styles["id"] ?? ""} onClick={() => onShow(other)}>
          {other}
        </Button>
      )}
    </li>
  );
}
