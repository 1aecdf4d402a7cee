import { type ReactNode, useId } from "react";

import styles from "./field.module.css";

/** What the input itself has to carry. */
export interface FieldInput {
  id: string;
  "aria-describedby": string;
  "aria-invalid": boolean;
  status?: "error";
}

interface Props {
  label: string;
  hint?: ReactNode;
  /** Why the value is not right yet. */
  error?: string | undefined;
  /** Not seen, as where the row says it already. */
  isLabelHidden?: boolean;
  children: (input: FieldInput) => ReactNode;
}

/** An input with its label, its hint and what is wrong with it, tied together for screen readers. */
export function Field({ label, hint, error, isLabelHidden = false, children }: Props) {
  const id = useId();
  return (
    <div className={styles["field"]}>
      <label htmlFor={id} className={isLabelHidden ? styles["hidden"] : undefined}>
        {label}
      </label>
      {children({
        id,
        "aria-describedby": `${id}-hint`,
        "aria-invalid": Boolean(error),
        ...(error && { status: "error" }),
      })}
      <p id={`${id}-hint`} className={styles["hint"]} data-error={Boolean(error)} aria-live="polite">
        {error ?? hint}
      </p>
    </div>
  );
}
