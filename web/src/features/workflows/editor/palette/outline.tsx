import { texts } from "@/shared/texts";

import { KindIcon } from "../canvas/kind-icon";
import type { Overlay } from "../model/overlay";
import { nameOfBlock } from "../model/block-name";
import { type Block, hasLanes } from "../model/tasks";
import styles from "./palette.module.css";

const words = texts.workflowsEditor;

interface Props {
  block: Block;
  selected: readonly string[];
  overlay: ReadonlyMap<string, Overlay>;
  onSelect: (pointer: string) => void;
}

/** The flow as lists in lists. */
export function Outline(props: Props) {
  const { block, selected, overlay, onSelect } = props;
  if (block.tasks.length === 0) return <p className={styles["hint"]}>{words.empty}</p>;
  return (
    <ol className={styles["outline"]} aria-label={nameOfBlock(block)}>
      {block.tasks.map((task) => {
        const seen = overlay.get(task.pointer);
        return (
          <li key={task.pointer}>
            <button
              type="button"
              aria-current={selected.includes(task.pointer) ? "true" : undefined}
              onClick={() => onSelect(task.pointer)}
            >
              <KindIcon kind={task.kind} call={task.value["call"]} />
              <span>{task.name}</span>
              {seen && <span className={styles["owner"]}>{words.marks[seen.mark]}</span>}
            </button>
            {task.blocks.map((inner) => (
              <div key={inner.pointer}>
                {hasLanes(task) && <p className={styles["hint"]}>{nameOfBlock(inner)}</p>}
                <Outline {...props} block={inner} />
              </div>
            ))}
          </li>
        );
      })}
    </ol>
  );
}
