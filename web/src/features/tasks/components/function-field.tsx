import { Select } from "antd";
import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";

import type { FunctionChoice } from "../logic/input";

interface Props {
  choices: FunctionChoice[];
  isLoading: boolean;
  value: string | undefined;
  error?: string | undefined;
  onChange: (ref: string) => void;
}

const words = texts.tasks.orderForm;

/** A function of an enabled plugin, found by typing. */
export function FunctionField({ choices, isLoading, value, error, onChange }: Props) {
  const plugins = [...new Set(choices.map(({ plugin }) => plugin))];
  const chosen = choices.find(({ ref }) => ref === value);
  const none = !isLoading && choices.length === 0;
  const hint = none ? (
    <>
      {words.noFunctions} <Link to="/plugins">{words.toPlugins}</Link>
    </>
  ) : (
    (chosen?.view.description ?? words.functionHint)
  );
  return (
    <Field label={words.function} hint={hint} error={error}>
      {(input) => (
        <Select
          {...input}
          showSearch
          loading={isLoading}
          disabled={none}
          placeholder={words.choose}
          value={value ?? null}
          options={plugins.map((plugin) => ({
            label: plugin,
            options: choices
              .filter((one) => one.plugin === plugin)
              .map(({ ref }) => ({ value: ref, label: ref })),
          }))}
          onChange={(ref: string | null) => ref && onChange(ref)}
        />
      )}
    </Field>
  );
}
