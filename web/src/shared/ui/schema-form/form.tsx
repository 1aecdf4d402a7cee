import { generateForm } from "@rjsf/antd";
import type { RJSFSchema, UiSchema } from "@rjsf/utils";
import { Button } from "antd";
import { type ReactNode, useMemo, useState } from "react";

import { buttonTemplates } from "./buttons";
import validator from "./default-validator";
import styles from "./form.module.css";

export interface SchemaFormProps {
  schema: Record<string, unknown>;
  /** The values to begin with; give another `key` to begin anew. */
  value?: unknown;
  uiSchema?: Record<string, unknown>;
  /** The button's word; without one there is no button, and `onChange` tells. */
  submit?: string;
  isBusy?: boolean;
  isDisabled?: boolean;
  onSubmit: (value: unknown) => void;
  /** Told of each change. */
  onChange?: (value: unknown) => void;
  /** Beside the button. */
  children?: ReactNode;
}

const RjsfForm = generateForm<unknown, RJSFSchema, object>();
const TEMPLATES = { ButtonTemplates: buttonTemplates };
const LAYOUT = { colon: false, labelAlign: "left", rowGutter: 16 };

/** The form itself; use SchemaForm, which loads it. */
export default function Form(props: SchemaFormProps) {
  const {
    schema,
    value,
    uiSchema,
    submit,
    isBusy = false,
    isDisabled = false,
    onSubmit,
    onChange,
    children,
  } = props;
  const [data, setData] = useState<unknown>(value);
  // `$schema` may name a dialect that the validator does not know; it reads the newest.
  const known = useMemo(() => {
    const { $schema: _dialect, ...rest } = schema;
    return rest;
  }, [schema]);
  return (
    <div className={styles["form"]}>
      <RjsfForm
        schema={known}
        uiSchema={{ ...uiSchema } as UiSchema<unknown, RJSFSchema, object>}
        validator={validator}
        formContext={LAYOUT}
        formData={data}
        disabled={isDisabled}
        templates={TEMPLATES}
        noHtml5Validate
        showErrorList={false}
        focusOnFirstError
        onChange={(event) => {
          setData(event.formData);
          onChange?.(event.formData);
        }}
        onError={() => undefined} // each field says it; without this it is logged too
        onSubmit={(event) => onSubmit(event.formData)}
      >
        <div className={styles["foot"]}>
          {submit !== undefined && (
            <Button
              type="primary"
              htmlType="submit"
              loading={isBusy}
              disabled={isDisabled}
              aria-label={submit}
            >
              {submit}
            </Button>
          )}
          {children}
        </div>
      </RjsfForm>
    </div>
  );
}
