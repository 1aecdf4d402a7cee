import { Select } from "antd";

import { texts } from "@/shared/texts";

const words = texts.workflowsEditor.forms;
const WAYS = (["continue", "exit", "end"] as const).map((value) => ({ value, label: words.ways[value] }));

interface Props {
  id?: string;
  label?: string;
  value: string;
  steps: readonly string[];
  onChange: (value: string) => void;
}

/** What comes next: on, out of the block, the end, or a step of the same block. */
export function ThenSelect({ id, label, value, steps, onChange }: Props) {
  const there = steps.includes(value) || WAYS.some((way) => way.value === value) ? steps : [...steps, value];
  return (
    <Select
      {...(id !== undefined && { id })}
      {...(label !== undefined && { "aria-label": label })}
      style={{ width: "100%" }}
      value={value}
      options={[...WAYS, ...there.map((name) => ({ value: name, label: words.toStep(name) }))]}
      onChange={onChange}
    />
  );
}
