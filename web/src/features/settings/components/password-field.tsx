import { Button, Input } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Field } from "@/shared/ui/field";

import { madeUpPassword } from "../made-up-password";
import styles from "./password-field.module.css";

interface Props {
  value: string;
  onChange: (value: string) => void;
  error: string | undefined;
}

/** A password for somebody else, typed or made up. */
export function PasswordField({ value, onChange, error }: Props) {
  const [isShown, setShown] = useState(false);
  const words = texts.settings.users;
  const makeUp = () => {
    setShown(true);
    onChange(madeUpPassword());
  };
  return (
    <Field label={words.password} hint={words.passwordHint} error={error}>
      {(input) => (
        <div className={styles["line"]}>
          <Input.Password
            {...input}
            value={value}
            autoComplete="new-password"
            spellCheck={false}
            visibilityToggle={{ visible: isShown, onVisibleChange: setShown }}
            onChange={(event) => onChange(event.target.value)}
          />
          {isShown && value && <CopyButton text={value} />}
          <Button onClick={makeUp}>{words.generate}</Button>
        </div>
      )}
    </Field>
  );
}
