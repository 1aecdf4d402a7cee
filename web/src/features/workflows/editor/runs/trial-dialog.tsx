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
import { isObject, memberOf, type Path, valueAt } from "../model/path";
import { read } from "../model/source";
import { type Block, loopNames, tasksOf } from "../model/tasks";
import type { ShownRun } from "./use-shown-run";

const words = texts.workflowsEditor.trial;

interface Props {
  isOpen: boolean;
  workflow: string;
  text: string;
  root: Block;
  /** Its input, and what its steps were given, to begin with. */
  shown: ShownRun;
  onClose: () => void;
  onStarted: (run: Schemas["Run"]) => void;
}

/** Runs what is edited with an input, from its beginning or from a step. */
export function TrialDialog(props: Props) {
  const { isOpen, workflow, text, root, shown, onClose, onStarted } = props;
  const [start, trial] = useStartTrialMutation();
  const [startSaved, saved] = useStartRunMutation();
  const mayTry = useMay("admin"); // a text of one's own may call anything, as one that is saved may
  const title = mayTry ? words.title : words.titleSaved;
  const [inputs, setInputs] = useState<Readonly<Record<string, string>>>({});
  const [chosen, setFrom] = useState<string | null>(null);
  const [variables, setVariables] = useState<Readonly<Record<string, string>>>({});
  const tasks = useMemo(() => (isOpen ? tasksOf(root) : []), [isOpen, root]);
  const from = tasks.some(({ pointer }) => pointer === chosen) ? chosen : null;
  const written = inputs[from ?? ""] ?? JSON.stringify(usualInput(text, from, shown), null, 2);
  const given = readJson(written);
  const loops = useMemo(() => (from === null ? [] : loopNames(root, from)), [root, from]);
  const items = readJson(variables[from ?? ""] ?? "");
  const named = items && isObject(items.value) ? items.value : undefined;
  const submit = async () => {
    if (!given || !named) return;
    const place = from !== null && { from, ...(loops.length > 0 && { variables: named }) };
    const order = { workflow, text, input: given.value, ...place };
    const { data } = await (mayTry ? start(order) : startSaved({ workflow, input: given.value }));
    if (data) onStarted(data);
  };
  return (
    <FormDialog
      isOpen={isOpen}
      title={title}
      action={words.go}
      isBusy={trial.isLoading || saved.isLoading}
      problem={trial.error ?? saved.error}
      onSubmit={() => void submit()}
      onClose={onClose}
      afterClose={() => {
        trial.reset();
        saved.reset();
      }}
    >
      <p>{mayTry ? words.lead : words.leadSaved}</p>
      <Field label={words.input} hint={words.inputHint} error={given ? undefined : words.bad}>
        {(field) => (
          <Input.TextArea
            {...field}
            rows={8}
            value={written}
            spellCheck={false}
            style={{ fontFamily: "ui-monospace, Menlo, monospace" }}
            onChange={(event) => setInputs({ ...inputs, [from ?? ""]: event.target.value })}
          />
        )}
      </Field>
      {mayTry && (
        <Field label={words.from}>
          {(field) => (
            <Select
              id={field.id}
              style={{ width: "100%" }}
              value={from}
              options={[
                { value: null, label: words.start, depth: 0 },
                ...tasks.map(({ pointer, path, name }) => ({
                  value: pointer,
                  label: name,
                  depth: depthOf(path),
                })),
              ]}
              optionRender={({ label, data }) => (
                <span style={{ paddingInlineStart: 14 * data.depth }}>{label}</span>
              )}
              showSearch={{ optionFilterProp: "label" }}
              onChange={(next) => {
                trial.reset(); // what was said of another step
                setFrom(next);
              }}
            />
          )}
        </Field>
      )}
      {mayTry && loops.length > 0 && (
        <Field
          label={words.variables}
          hint={words.variablesHint(loops)}
          error={named ? undefined : words.badVariables}
        >
          {(field) => (
            <Input.TextArea
              {...field}
              rows={3}
              value={variables[from ?? ""] ?? ""}
              spellCheck={false}
              style={{ fontFamily: "ui-monospace, Menlo, monospace" }}
              onChange={(event) => setVariables({ ...variables, [from ?? ""]: event.target.value })}
            />
          )}
        </Field>
      )}
    </FormDialog>
  );
}

/** In how many blocks a task is. */
const depthOf = (path: Path) => path.filter((part) => typeof part === "number").length - 1;

/** What the shown run was given there; else what the workflow says that it takes. */
function usualInput(text: string, from: string | null, { run, steps }: ShownRun): unknown {
  const step = from === null ? undefined : steps.findLast(({ path, cut }) => path === from && !cut);
  if (from !== null) return step?.input ?? {};
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
