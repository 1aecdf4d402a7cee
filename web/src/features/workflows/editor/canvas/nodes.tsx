import PlusOutlined from "@ant-design/icons/PlusOutlined";
import ThunderboltOutlined from "@ant-design/icons/ThunderboltOutlined";
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { useState } from "react";

import { texts } from "@/shared/texts";

import { nameOfBlock } from "../model/block-name";
import { START } from "../model/flow";
import { type Path, pointerOf } from "../model/path";
import type { Block, Task } from "../model/tasks";
import { DRAG_TYPE, useCanvas } from "./canvas-context";
import styles from "./canvas.module.css";
import { Ends, TaskCard } from "./task-card";

const words = texts.workflowsEditor;

export type TaskNodeType = Node<{ task: Task }, "task">;
export type GroupNodeType = Node<{ task: Task }, "block">;
export type LaneNodeType = Node<{ block: Block }, "lane">;
export type SlotNodeType = Node<
  { list: Path; index: number; isEmpty: boolean; where: string; near: readonly string[] },
  "slot"
>;
export type StartNodeType = Node<Record<string, never>, "start">;
export type AnyNode = TaskNodeType | GroupNodeType | LaneNodeType | SlotNodeType | StartNodeType;

function TaskNode({ data: { task } }: NodeProps<TaskNodeType>) {
  return (
    <>
      <Ends />
      <TaskCard task={task} className={styles["task"] ?? ""}>
        {task.cases.map(({ name, when, then }) => (
          <div key={name} className={styles["case"]}>
            <span>{name}</span>
            <code>{when ?? words.forms.caseElse}</code>
            <span>{then}</span>
          </div>
        ))}
      </TaskCard>
    </>
  );
}

function GroupNode({ data: { task } }: NodeProps<GroupNodeType>) {
  return (
    <>
      <Ends />
      <TaskCard task={task} className={styles["group"] ?? ""} />
    </>
  );
}

function LaneNode({ data: { block } }: NodeProps<LaneNodeType>) {
  const { overlay } = useCanvas();
  const seen = block.arm && overlay.get(pointerOf(block.path.slice(0, -1)));
  return (
    <div className={styles["lane"]} data-role={block.role} data-mark={seen?.mark}>
      <Ends />
      <span title={nameOfBlock(block)}>{nameOfBlock(block)}</span>
    </div>
  );
}

function SlotNode({ data: { list, index, isEmpty, where, near } }: NodeProps<SlotNodeType>) {
  const canvas = useCanvas();
  const [isOver, setOver] = useState(false);
  const isStep = (event: React.DragEvent) => event.dataTransfer.types.includes(DRAG_TYPE);
  return (
    <>
      <Ends />
      {canvas.isReadOnly ? (
        <span className={styles["point"]} />
      ) : (
        <button
          type="button"
          className={styles["slot"]}
          data-over={isOver}
          data-awaits={canvas.isDragging}
          data-slot={JSON.stringify([list, index])}
          data-empty={isEmpty}
          // Tab stops at the places around what is selected; of a long flow they would be hundreds.
          tabIndex={near.includes(canvas.active ?? START) ? 0 : -1}
          aria-label={isEmpty ? `${words.empty}: ${where}` : `${words.insert}: ${where}`}
          title={isEmpty ? where : `${words.insert}: ${where}`}
          onClick={() => canvas.insertAt(list, index)}
          onDragOver={(event) => {
            if (!isStep(event)) return;
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            if (!isStep(event)) return;
            event.preventDefault();
            setOver(false);
            canvas.dropAt(list, index, event.dataTransfer.getData(DRAG_TYPE));
          }}
        >
          <PlusOutlined aria-hidden />
          {isEmpty && <span>{words.empty}</span>}
        </button>
      )}
    </>
  );
}

function StartNode() {
  const canvas = useCanvas();
  return (
    <>
      <button
        type="button"
        className={styles["start"]}
        onClick={canvas.openTriggers}
        disabled={canvas.isReadOnly}
      >
        <ThunderboltOutlined aria-hidden />
        <span>{words.starts(canvas.trigger || words.noTrigger)}</span>
      </button>
      <Handle
        type="source"
        position={Position.Bottom}
        isConnectable={false}
        className={styles["end"] ?? ""}
      />
    </>
  );
}

export const NODE_TYPES = {
  task: TaskNode,
  block: GroupNode,
  lane: LaneNode,
  slot: SlotNode,
  start: StartNode,
};
