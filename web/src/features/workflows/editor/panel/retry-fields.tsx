import { Select } from "antd";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";

import { BACKOFFS } from "../model/fields";
import { isObject } from "../model/path";

const words = texts.workflowsEditor.forms;

interface Props {
  retry: unknown;
  onChange: (backoff: unknown) => void;
}

/** How the wait between tries grows; shown once there are tries. */
export function RetryFields({ retry, onChange }: Props) {
  if (!isObject(retry)) return null;
  const backoff = retry["backoff"];
  const [name = "constant"] = isObject(backoff) ? Object.keys(backoff) : [];
  return (
    <Field label={words.fields.backoff}>
      {(input) => (
        <Select
          id={input.id}
          style={{ width: "100%" }}
          value={name}
          options={BACKOFFS.map((one) => ({ value: one, label: words.choices[one] }))}
          onChange={(next) => onChange({ [next]: {} })}
        />
      )}
    </Field>
  );
}
