import { lazy, Suspense, useId, useRef } from "react";

import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";

import type { Overlay } from "../model/overlay";
import type { Path } from "../model/path";
import type { TaskProblem } from "../model/problems";
import { type Editor } from "../use-editor";
import { type FlowKeys, useFlowKeys } from "./use-flow-keys";

const Canvas = lazy(() => import("./canvas"));
const words = texts.workflowsEditor;

interface Props {
  editor: Editor;
  overlay: ReadonlyMap<string, Overlay>;
  problems: ReadonlyMap<string, TaskProblem>;
  trigger: string;
  isReadOnly: boolean;
  isDragging: boolean;
  onDrag: (isDragging: boolean) => void;
  onOpen: () => void;
  onTriggers: () => void;
  onText: () => void;
  onInsert: (list: Path, index: number) => void;
  onDrop: (list: Path, index: number, dragged: string) => void;
  onTold: (message: string) => void;
}

/** The flow with its keys. */
export function CanvasPane(props: Props) {
  const { editor, overlay, problems, trigger, isReadOnly, isDragging } = props;
  const hint = useId();
  const pane = useRef<HTMLDivElement>(null);
  const { selected } = editor;
  const keys: FlowKeys = useFlowKeys({ ...props, pane });
  const select = (pointer: string, isMore: boolean) => {
    if (!isMore) editor.select([pointer]);
    else if (selected.includes(pointer)) editor.select(selected.filter((one) => one !== pointer));
    else editor.select([...selected, pointer]);
  };
  return (
    <div
      role="group"
      data-flow
      ref={pane}
      aria-label={words.canvas}
      aria-describedby={hint}
      // So that keys are heard after a click beside the steps.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      style={{ height: "100%", outlineOffset: -2 }}
      {...keys}
    >
      <p id={hint} hidden>
        {words.canvasHint}
      </p>
      <Suspense fallback={<Loading rows={6} />}>
        <Canvas
          root={editor.root}
          actions={{
            ...{ isReadOnly, overlay, problems, trigger, isDragging, select },
            selected: new Set(selected),
            active: selected[selected.length - 1],
            open: props.onOpen,
            openTriggers: props.onTriggers,
            openText: props.onText,
            insertAt: props.onInsert,
            dropAt: props.onDrop,
            onDrag: props.onDrag,
          }}
        />
      </Suspense>
    </div>
  );
}
