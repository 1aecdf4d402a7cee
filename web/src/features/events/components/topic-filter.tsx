import { Button, Input } from "antd";
import { type SubmitEvent, useId, useState } from "react";

import { texts } from "@/shared/texts";

import { ALL, isPattern } from "../logic/pattern";
import styles from "./events.module.css";

interface Props {
  topic: string;
  onTopic: (topic: string) => void;
}

const words = texts.events;

/** Which topics are listed: a pattern that is written, or one of those that are often wanted. */
export function TopicFilter({ topic, onTopic }: Props) {
  const [text, setText] = useState(topic === ALL ? "" : topic);
  const id = useId();
  const wanted = text.trim() || ALL;
  const isWrong = !isPattern(wanted);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!isWrong) onTopic(wanted);
  };
  return (
    <form className={styles["filter"]} onSubmit={submit} role="search" aria-label={words.filters}>
      <div className={styles["field"]}>
        <label htmlFor={id}>{words.filter}</label>
        <div className={styles["line"]}>
          <Input
            id={id}
            value={text}
            placeholder={ALL}
            maxLength={256}
            spellCheck={false}
            autoComplete="off"
            allowClear
            aria-describedby={`${id}-hint`}
            {...(isWrong && { status: "error" as const })}
            onChange={(event) => setText(event.target.value)}
          />
          <Button htmlType="submit" disabled={isWrong}>
            {words.apply}
          </Button>
        </div>
        <p id={`${id}-hint`} className={styles["hint"]} data-error={isWrong} aria-live="polite">
          {isWrong ? words.notPattern : words.filterHint}
        </p>
      </div>
      <div className={styles["quick"]} role="group" aria-label={words.quick}>
        {Object.entries(words.topics).map(([pattern, label]) => (
          <button
            key={pattern}
            type="button"
            title={pattern}
            aria-pressed={pattern === topic}
            onClick={() => onTopic(pattern)}
          >
            {label}
          </button>
        ))}
      </div>
    </form>
  );
}
