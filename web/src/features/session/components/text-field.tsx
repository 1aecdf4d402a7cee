import { Input, type InputRef } from "antd";
import { useEffect, useRef } from "react";

import { Field } from "@/shared/ui/field";

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  isSecret?: boolean;
  /** Takes the focus when it is shown. */
  isFirst?: boolean;
  autoComplete: string;
  hint?: string;
  /** Why the value is not right yet. */
  error?: string | undefined;
}

/** A large field for a name or a password. */
export function TextField(props: Props) {
  const { label, value, onChange, isSecret = false, isFirst = false, autoComplete, hint, error } = props;
  const field = useRef<InputRef>(null);
  useEffect(() => {
    if (isFirst) field.current?.focus();
  }, [isFirst]);
  const Box = isSecret ? Input.Password : Input;
  return (
    <Field label={label} hint={hint} error={error}>
      {(input) => (
        <Box
          {...input}
          ref={field}
          size="large"
          value={value}
          autoComplete={autoComplete}
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
