import { Button, Input } from "antd";
import { type ReactNode, useId, useState } from "react";

import styles from "./memory.module.css";

interface Props {
  words: { label: string; hint: string; action: string };
  /** What stands in the field at first. */
  text: string;
  maxLength: number;
  /** Told the text when it is sent. */
  onAsk: (text: string) => void;
  /** Given the text as it stands. */
  children?: (text: string) => ReactNode;
}

/** A field for a text that waits until it is sent, and whatever narrows the question down. */
export function AskForm({ words, text: first, maxLength, onAsk, children }: Props) {
  const [text, setText] = useState(first);
  const id = useId();
  return (
    <form
      className={styles["search"]}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onAsk(text.trim());
      }}
    >
      <div className={styles["ask"]}>
        <label htmlFor={id}>{words.label}</label>
        <div>
          <Input
            id={id}
            value={text}
            placeholder={words.hint}
            allowClear
            maxLength={maxLength}
            autoComplete="off"
            onChange={(event) => setText(event.target.value)}
          />
          <Button type="primary" htmlType="submit">
            {words.action}
          </Button>
        </div>
      </div>
      {children?.(text.trim())}
    </form>
  );
}
