import CopyOutlined from "@ant-design/icons/CopyOutlined";
import DeleteOutlined from "@ant-design/icons/DeleteOutlined";
import { Button, Input } from "antd";
import type { ReactNode } from "react";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Field } from "@/shared/ui/field";

import { DATA_FIELDS, ERROR_FIELDS, type FieldSpec, ORDER_FIELDS, ownFields } from "../model/fields";
import { copied, pasted, removeTasks, renameTask } from "../model/operations";
import { type Path, valueAt } from "../model/path";
import { isError, type TextProblem } from "../model/problems";
import { setField } from "../model/setting";
import { placeOf, type Task, tasksOf, whereOf } from "../model/tasks";
import { offerOf, type Offer } from "../model/templates";
import type { Part } from "../runs/trial-dialog";
import type { Editor } from "../use-editor";
import { ArmsField } from "./arms-field";
import { FieldView } from "./field-view";
import styles from "./panel.module.css";
import { RetryFields } from "./retry-fields";
import { useDraft } from "./use-draft";
import { WithForm } from "./with-form";
import { YamlValue } from "./yaml-value";

const words = texts.workflowsEditor;

interface Props {
  editor: Editor;
  task: Task | undefined;
  /** Others of its block, where it can go to. */
  steps: readonly string[];
  offers: readonly Offer[];
  problems: readonly TextProblem[];
  isReadOnly: boolean;
  /** Runs a part of the flow; undefined where one may not. */
  onTrial: ((part: Part) => void) | undefined;
}

/** The form of the selected step. */
export function TaskPanel({ editor, task, steps, offers, problems, isReadOnly, onTrial }: Props) {
  const { selected } = editor;
  if (!task) {
    return selected.length > 1 ? (
      <EmptyState title={words.forms.many(selected.length)} next={words.forms.manyNext} />
    ) : (
      <EmptyState title={words.forms.none} next={words.forms.noneNext} />
    );
  }
  const { path, value, kind } = task;
  const set = (at: Path, next: unknown) =>
    editor.edit((text) => ({ text: setField(text, path, at, next), selected }), true);
  const fields = (specs: readonly FieldSpec[]) =>
    specs.map((spec) => (
      <FieldView
        key={spec.path.join(".")}
        spec={spec}
        value={valueAt(value, spec.path)}
        steps={steps}
        onChange={(next) => set(spec.path, next)}
      />
    ));
  const ref = value["call"];
  const isFunction = kind === "call" && ref !== "http" && ref !== "openapi";
  const has = (specs: readonly FieldSpec[]) => specs.some((spec) => valueAt(value, spec.path) !== undefined);
  return (
    <fieldset
      key={task.pointer}
      className={styles["panel"]}
      disabled={isReadOnly}
      style={{ border: 0, margin: 0, minWidth: 0 }}
    >
      <Head editor={editor} task={task} isReadOnly={isReadOnly} />
      {onTrial && <TrialButtons pointer={task.pointer} onTrial={onTrial} />}
      <Told problems={problems.filter(isError)} title={words.error} className={styles["problem"]} />
      <Told
        problems={problems.filter((one) => !isError(one))}
        title={words.warning}
        className={styles["warning"]}
      />
      <div className={styles["fields"]} data-own-fields>
        {isFunction && (
          <WithForm
            schema={typeof ref === "string" ? offerOf(offers, ref)?.input : undefined}
            value={value["with"]}
            onChange={(next) => set(["with"], next)}
          />
        )}
        {kind === "decide" ? <ArmsField editor={editor} task={task} /> : fields(ownFields(task))}
        {kind === "unknown" && (
          <YamlValue label={words.forms.fields.definition} value={value} onChange={(next) => set([], next)} />
        )}
      </div>
      <Section title={words.forms.sections.data} isOpen={has(DATA_FIELDS)}>
        {fields(DATA_FIELDS)}
      </Section>
      <Section title={words.forms.sections.when} isOpen={has(ORDER_FIELDS)}>
        {fields(ORDER_FIELDS.filter(({ label }) => label !== "then" || kind !== "switch"))}
      </Section>
      <Section title={words.forms.sections.errors} isOpen={has(ERROR_FIELDS)}>
        {fields(ERROR_FIELDS)}
        <RetryFields
          retry={valueAt(value, ["host", "retry"])}
          onChange={(next) => set(["host", "retry", "backoff"], next)}
        />
      </Section>
    </fieldset>
  );
}

/** Runs the step alone, or the flow from it or to it. */
function TrialButtons({ pointer, onTrial }: { pointer: string; onTrial: (part: Part) => void }) {
  const parts: [string, Part][] = [
    [words.trial.only, { from: pointer, to: pointer }],
    [words.trial.fromHere, { from: pointer }],
    [words.trial.toHere, { to: pointer }],
  ];
  return (
    <div className={styles["head"]}>
      {parts.map(([label, part]) => (
        <Button key={label} size="small" onClick={() => onTrial(part)}>
          {label}
        </Button>
      ))}
    </div>
  );
}

interface ToldProps {
  problems: readonly TextProblem[];
  title: string;
  className: string | undefined;
}

/** What is wrong here, said as what it is and not by its colour alone. */
function Told({ problems, title, className }: ToldProps) {
  return problems.map(({ path, fact, remedy }) => (
    <div key={path + fact} className={className}>
      <strong>{`${title}: ${fact}`}</strong>
      {remedy && <p>{remedy}</p>}
    </div>
  ));
}

function Head({ editor, task, isReadOnly }: Pick<Props, "editor" | "isReadOnly"> & { task: Task }) {
  const { path, name, kind, value } = task;
  const [draft, setDraft] = useDraft(name);
  const ref = value["call"];
  const what = kind === "call" && typeof ref === "string" ? (words.kinds[ref] ?? ref) : words.kinds[kind];
  const duplicate = () =>
    editor.edit((text) => {
      const { block, at } = whereOf(editor.root, task.pointer) ?? { block: editor.root, at: 0 };
      return pasted(text, copied(text, [path]), block.path, placeOf(block, at + 1));
    });
  const isTaken = tasksOf(editor.root).some(
    (one) => one.name === draft.trim() && one.pointer !== task.pointer,
  );
  const rename = () => {
    if (draft !== name) editor.edit((text) => renameTask(text, path, draft.trim()));
    setDraft(name, name);
  };
  return (
    <div>
      <div className={styles["head"]}>
        <h2>{name}</h2>
        {!isReadOnly && (
          <>
            <Button
              type="text"
              icon={<CopyOutlined aria-hidden />}
              aria-label={words.forms.duplicate}
              title={words.forms.duplicate}
              onClick={duplicate}
            />
            <Button
              type="text"
              danger
              icon={<DeleteOutlined aria-hidden />}
              aria-label={words.forms.remove}
              title={words.forms.remove}
              onClick={() => editor.edit((text) => removeTasks(text, [path]))}
            />
          </>
        )}
      </div>
      <p className={styles["kind"]}>{what}</p>
      <Field label={words.forms.name} error={isTaken ? words.forms.nameTaken : undefined}>
        {(input) => (
          <Input
            {...input}
            value={draft}
            spellCheck={false}
            data-first-field
            onChange={(event) => setDraft(event.target.value, undefined)}
            onBlur={rename}
            onPressEnter={rename}
          />
        )}
      </Field>
    </div>
  );
}

/** A part of a form that is open when something is in it. */
export function Section({
  title,
  isOpen,
  children,
}: {
  title: string;
  isOpen: boolean;
  children: ReactNode;
}) {
  return (
    <details className={styles["section"]} open={isOpen}>
      <summary>{title}</summary>
      <div className={styles["fields"]}>{children}</div>
    </details>
  );
}
