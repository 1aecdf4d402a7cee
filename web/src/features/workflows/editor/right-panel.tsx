import { ConfigProvider, Tabs } from "antd";
import { useMemo } from "react";

import { texts } from "@/shared/texts";

import styles from "./editor.module.css";
import { dataAt } from "./model/data";
import { linesByTask, problemsOf, taskOnLine } from "./model/problems";
import { listOf, type Task, taskAt } from "./model/tasks";
import type { Offer } from "./model/templates";
import { pathOf, valueAt } from "./model/path";
import { DataContext } from "./panel/data-context";
import { TaskPanel } from "./panel/task-panel";
import { TriggersPanel } from "./panel/triggers-panel";
import { RunPanel } from "./runs/run-panel";
import type { Part } from "./runs/trial-dialog";
import type { ShownRun } from "./runs/use-shown-run";
import type { Editor } from "./use-editor";
import type { Problems } from "./use-problems";
import { LazyYamlPane } from "./yaml/lazy";

const words = texts.workflowsEditor;
export const PANELS = ["step", "text", "triggers", "run"] as const;
export type PanelName = (typeof PANELS)[number];

interface Props {
  editor: Editor;
  panel: PanelName;
  onPanel: (panel: PanelName) => void;
  offers: readonly Offer[];
  problems: Problems;
  shown: ShownRun;
  workflow: string | undefined;
  isReadOnly: boolean;
  onRun: (run: string | undefined) => void;
  /** The version in which the shown run can go on. */
  next: number | "unsaved" | undefined;
  onContinue: () => void;
  /** Runs a part of the flow; undefined where one may not. */
  onTrial: ((part: Part) => void) | undefined;
}

/** Beside the flow: the selected step, the text, the triggers, a run. */
export function RightPanel(props: Props) {
  const { editor, panel, onPanel, offers, problems, shown, workflow, isReadOnly, onRun } = props;
  const { next, onContinue } = props;
  const { selected, root } = editor;
  const only = selected.length === 1 ? selected[0] : undefined;
  const task = only === undefined ? undefined : taskAt(root, only);
  const select = (pointer: string | undefined) => editor.select(pointer ? [pointer] : []);
  const parts = {
    step: () => (
      <DataContext value={dataAt(root, task, shown.run, shown.steps)}>
        <TaskPanel
          editor={editor}
          task={task}
          steps={task ? neighbours(editor, task) : []}
          offers={offers}
          problems={task ? problemsOf(task, problems.all) : []}
          isReadOnly={isReadOnly}
          onTrial={props.onTrial}
        />
      </DataContext>
    ),
    text: () => <TextPart {...{ editor, problems, only, isReadOnly }} onSelect={select} />,
    triggers: () => (
      <DataContext value={dataAt(root, undefined, shown.run, shown.steps)}>
        <TriggersPanel editor={editor} isReadOnly={isReadOnly} />
      </DataContext>
    ),
    run: () => (
      <RunPanel
        {...{ workflow, shown, next, onContinue }}
        selected={only}
        onChoose={onRun}
        onSelect={select}
      />
    ),
  };
  const isForm = panel === "step" || panel === "triggers";
  return (
    <div className={`${styles["side"] ?? ""} ${styles["right"] ?? ""}`}>
      <Tabs
        aria-label={words.rightLabel}
        activeKey={panel}
        tabBarGutter={18}
        destroyOnHidden
        items={PANELS.map((name) => ({
          key: name,
          label: words.right[name],
          children: name === panel && (
            <ConfigProvider componentDisabled={isReadOnly && isForm}>{parts[name]()}</ConfigProvider>
          ),
        }))}
        onChange={(name) => onPanel(name as PanelName)}
      />
    </div>
  );
}

interface TextPartProps extends Pick<Props, "editor" | "problems" | "isReadOnly"> {
  only: string | undefined;
  onSelect: (pointer: string | undefined) => void;
}

/** The text, in step with the selection. */
function TextPart({ editor, problems, only, isReadOnly, onSelect }: TextPartProps) {
  const { text, root, problem } = editor;
  const lines = useMemo(
    () => (problem ? new Map<string, [number, number]>() : linesByTask(text, root)),
    [text, root, problem],
  );
  return (
    <LazyYamlPane
      text={text}
      problems={problems.byLine}
      lines={only === undefined ? undefined : lines.get(only)}
      isReadOnly={isReadOnly}
      onChange={editor.type}
      onLine={(line) => onSelect(taskOnLine(lines, line))}
    />
  );
}

/** Names of the other steps of a task's block. */
function neighbours({ value }: Editor, task: Task): string[] {
  const list = valueAt(value, listOf(pathOf(value, task.pointer)).list);
  const names = (Array.isArray(list) ? list : []).map(
    (item: unknown) => Object.keys(item as object)[0] ?? "",
  );
  return names.filter((name) => name !== task.name);
}
