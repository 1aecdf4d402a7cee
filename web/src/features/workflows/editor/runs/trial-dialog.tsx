import { Input, Select } from "antd";
import { useMemo, useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";

import { useStartRunMutation } from "../../api/start-run";
import { useStartTrialMutation } from "../api/start-trial";
import { sampleOf } from "../model/form-schema";
import { isObject, memberOf, valueAt } from "../model/path";
import { read } from "../model/source";
import { type Block, loopNames, type Task, tasksOf } from "../model/tasks";
import { TrialSource } from "./trial-source";
import { pinned, usePins } from "./use-pins";
import type { ShownRun } from "./use-shown-run";

const words = texts.workflowsEditor.trial;

/** The part of the flow that is asked for. */
export interface Part {
  from?: string;
  to?: string;
}

interface Props {
  isOpen: boolean;
  part: Part;
  workflow: string;
  text: string;
  root: Block;
  /** Its input, and what its steps were given, to begin with. */
  shown: ShownRun;
  onClose: () => void;
  onStarted: (run: Schemas["Run"]) => void;
}

/** Runs what is edited with an input: all of it, or from a step, or to one. */
export function TrialDialog(props: Props) {
  const { isOpen, onClose } = props;
  const mayTry = useMay("admin"); // a text of one's own may call anything, as one that is saved may
  const [start, trial] = useStartTrialMutation();
  const [startSaved, saved] = useStartRunMutation();
  const wishes = useWishes(props);
  const { from, to, written, given, loops, named, isRecorded } = wishes;
  const pins = usePins();
  const submit = async () => {
    if (!given || !named) return;
    const { workflow, text, root } = props;
    const part = {
      ...(from !== null && { from, ...(loops.length > 0 && { variables: named }) }),
      ...(to !== null && { to }),
      ...(wishes.run !== null && { run: wishes.run, calls: wishes.calls }),
      ...(!isRecorded && { input: given.value }),
    };
    const order = { workflow, text, ...part, ...pinned(root, pins) };
    const { data } = await (mayTry ? start(order) : startSaved({ workflow, input: given.value }));
    if (data) props.onStarted(data);
  };
  const choose = (change: Partial<Record<"from" | "to", string | null>>) => {
    trial.reset(); // what was said of another step
    wishes.choose(change);
  };
  const first = { value: null, label: words.start, depth: 0 };
  return (
    <FormDialog
      isOpen={isOpen}
      title={mayTry ? words.title : words.titleSaved}
      action={words.go}
      isBusy={trial.isLoading || saved.isLoading}
      problem={trial.error ?? saved.error}
      onSubmit={() => void submit()}
      onClose={onClose}
      afterClose={() => {
        if (trial.data ?? saved.data) focusRun();
        trial.reset();
        saved.reset();
        wishes.reset();
      }}
    >
      <p>{mayTry ? words.lead : words.leadSaved}</p>
      <Field
        label={words.input}
        hint={isRecorded ? words.inputRecorded : words.inputHint}
        error={given ? undefined : words.bad}
      >
        {(field) => <Json {...field} rows={8} value={written} onChange={wishes.setInput} />}
      </Field>
      {mayTry && (
        <>
          <StepSelect
            label={words.from}
            none={first}
            tasks={wishes.tasks}
            value={from}
            onChange={(next) => choose({ from: next })}
          />
          <StepSelect
            label={words.to}
            none={{ value: null, label: words.end, depth: 0 }}
            tasks={wishes.tasks}
            value={to}
            onChange={(next) => choose({ to: next })}
          />
          <TrialSource workflow={props.workflow} wishes={wishes} pins={[...pins.byStep.keys()]} />
        </>
      )}
      {mayTry && loops.length > 0 && (
        <Field
          label={words.variables}
          hint={words.variablesHint(loops)}
          error={named ? undefined : words.badVariables}
        >
          {(field) => <Json {...field} rows={3} value={wishes.items} onChange={wishes.setItems} />}
        </Field>
      )}
    </FormDialog>
  );
}

/** What a run asks is near by keys then. The dialog gives the focus back first, and the panel comes with the address. */
function focusRun(frames = 60): void {
  requestAnimationFrame(() => {
    const panel = document.querySelector<HTMLElement>("[data-run-panel]");
    if (panel) panel.focus();
    else if (frames > 0) focusRun(frames - 1);
  });
}

interface JsonProps {
  id: string;
  rows: number;
  value: string;
  onChange: (text: string) => void;
}

function Json({ onChange, ...field }: JsonProps) {
  return (
    <Input.TextArea
      {...field}
      spellCheck={false}
      style={{ fontFamily: "ui-monospace, Menlo, monospace" }}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

interface StepSelectProps {
  label: string;
  none: { value: null; label: string; depth: number };
  tasks: readonly Task[];
  value: string | null;
  onChange: (next: string | null) => void;
}

function StepSelect({ label, none, tasks, value, onChange }: StepSelectProps) {
  return (
    <Field label={label}>
      {(field) => (
        <Select
          id={field.id}
          style={{ width: "100%" }}
          value={value}
          options={[
            none,
            ...tasks.map(({ pointer, path, name }) => ({
              value: pointer,
              label: name,
              depth: path.filter((part) => typeof part === "number").length - 1,
            })),
          ]}
          optionRender={({ label: name, data }) => (
            <span style={{ paddingInlineStart: 14 * data.depth }}>{name}</span>
          )}
          showSearch={{ optionFilterProp: "label" }}
          onChange={onChange}
        />
      )}
    </Field>
  );
}

export type Wishes = ReturnType<typeof useWishes>;

/** What is wished of a trial, with what it is where nothing was chosen yet. */
function useWishes({ isOpen, part, root, text, shown }: Props) {
  const [chosen, setChosen] = useState<{ from?: string | null; to?: string | null; run?: string | null }>({});
  const [inputs, setInputs] = useState<Readonly<Record<string, string>>>({});
  const [variables, setVariables] = useState<Readonly<Record<string, string>>>({});
  const [calls, setCalls] = useState<"real" | "recorded">("real");
  const tasks = useMemo(() => (isOpen ? tasksOf(root) : []), [isOpen, root]);
  const known = (pointer: string | null | undefined) =>
    tasks.some((task) => task.pointer === pointer) ? (pointer ?? null) : null;
  const from = known(chosen.from === undefined ? part.from : chosen.from);
  const to = known(chosen.to === undefined ? part.to : chosen.to);
  const key = from ?? "";
  const run = chosen.run === undefined ? (from === null ? null : (shown.run?.id ?? null)) : chosen.run;
  const usual = usualInput(text, from, shown);
  const written = inputs[key] ?? (usual === undefined ? "" : JSON.stringify(usual, null, 2));
  const items = variables[key] ?? "";
  const values = readJson(items);
  return {
    ...{ tasks, from, to, run, calls: run === null ? ("real" as const) : calls, written, items },
    given: readJson(written),
    /** The host takes the input that the step had in the chosen run, or says that there is none. */
    isRecorded: from !== null && written.trim() === "",
    loops: from === null ? [] : loopNames(root, from),
    named: values && isObject(values.value) ? values.value : undefined,
    choose: (change: typeof chosen) => setChosen({ ...chosen, ...change }),
    setCalls,
    setInput: (next: string) => setInputs({ ...inputs, [key]: next }),
    setItems: (next: string) => setVariables({ ...variables, [key]: next }),
    /** The next time it opens for a part of its own. */
    reset: () => setChosen({}),
  };
}

/** What the shown run was given there; else what the workflow says that it takes. */
function usualInput(text: string, from: string | null, { run, steps }: ShownRun): unknown {
  if (from !== null) return steps.findLast(({ path, cut }) => path === from && !cut)?.input;
  if (run && memberOf(run.trigger, "from") === undefined) return run.input ?? {};
  return sampleOf(valueAt(read(text).value, ["input", "schema", "document"])) ?? {};
}

function readJson(text: string): { value: unknown } | undefined {
  try {
    return { value: text.trim() === "" ? {} : (JSON.parse(text) as unknown) };
  } catch {
    return undefined;
  }
}
