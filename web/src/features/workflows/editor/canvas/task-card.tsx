import { Handle, Position } from "@xyflow/react";
import { type ReactNode, useEffect, useRef } from "react";

import { texts } from "@/shared/texts";

import type { Task } from "../model/tasks";
import { startDrag, taskDragged, useCanvas } from "./canvas-context";
import styles from "./canvas.module.css";
import { usePins } from "../runs/use-pins";
import { KindIcon } from "./kind-icon";
import { OverlayMark } from "./overlay-mark";

const words = texts.workflowsEditor;

/** The ends of lines; nobody draws lines by hand here. */
export function Ends() {
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} className={styles["end"] ?? ""} />
      <Handle
        type="source"
        position={Position.Bottom}
        isConnectable={false}
        className={styles["end"] ?? ""}
      />
    </>
  );
}

interface Props {
  task: Task;
  className: string;
  children?: ReactNode;
}

/** The face of a task: what it is, its name, what a run did there. */
export function TaskCard({ task, className, children }: Props) {
  const canvas = useCanvas();
  const { pointer, kind, name, about } = task;
  const face = useRef<HTMLButtonElement>(null);
  const isActive = canvas.active === pointer;
  useEffect(() => {
    // The focus goes along with the selection while it is in the flow.
    const isInFlow = document.activeElement?.closest("[data-flow]");
    if (isActive && isInFlow) face.current?.focus({ preventScroll: true });
  }, [isActive]);
  const problem = canvas.problems.get(pointer);
  const seen = canvas.overlay.get(pointer);
  const title = words.kinds[kind] ?? kind;
  return (
    <div
      className={className}
      data-selected={canvas.selected.has(pointer)}
      data-mark={seen?.mark}
      data-problem={problem && (problem.isError ? "error" : "warning")}
      title={problem?.told}
    >
      <button
        ref={face}
        type="button"
        className={`nopan ${styles["face"] ?? ""}`} // else the library keeps the browser from dragging it
        data-pointer={pointer}
        aria-pressed={canvas.selected.has(pointer)}
        tabIndex={isActive ? 0 : -1}
        draggable={!canvas.isReadOnly}
        onDragStart={(event) => {
          startDrag(event, taskDragged(task));
          canvas.onDrag(true);
        }}
        onDragEnd={() => canvas.onDrag(false)}
        onClick={(event) => canvas.select(pointer, event.shiftKey || event.ctrlKey || event.metaKey)}
        onDoubleClick={canvas.open}
      >
        <span className={styles["icon"]} data-kind={kind}>
          <KindIcon kind={kind} call={task.value["call"]} />
        </span>
        <span className={styles["words"]}>
          <span className={styles["unseen"]}>{`${title} `}</span>
          <span className={styles["name"]}>{name}</span>
          <span className={styles["about"]}>{about || title}</span>
        </span>
        <Signs task={task} />
        {seen && <OverlayMark seen={seen} />}
        {problem && <span className={styles["unseen"]}>{problem.told}</span>}
      </button>
      {children}
    </div>
  );
}

/** What else is said of a task: when it runs, and where it goes. */
function Signs({ task }: { task: Task }) {
  const { then, value, kind } = task;
  const way =
    then === "continue" || kind === "switch"
      ? ""
      : ["end", "exit"].includes(then)
        ? words.ends
        : words.jumps(then);
  const hasIf = value["if"] !== undefined;
  const isPinned = usePins().byStep.has(task.name);
  if (!way && !hasIf && !isPinned) return null;
  return (
    <span className={styles["signs"]}>
      {hasIf && <span className={styles["sign"]}>{words.forms.fields.if}</span>}
      {isPinned && <span className={styles["sign"]}>{words.trial.pinned}</span>}
      {way && <span className={styles["sign"]}>{way}</span>}
    </span>
  );
}
