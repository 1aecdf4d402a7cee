import { Button, Input, Select } from "antd";
import { useId, useState } from "react";

import { texts } from "@/shared/texts";

import { tierName } from "../logic/policy";
import type { Question } from "../logic/question";
import styles from "./memory.module.css";
import { OwnerSelect } from "./owner-select";

interface Props {
  question: Question;
  onAsk: (question: Question) => void;
}

const words = texts.memory.search;
const TIERS = Object.keys(texts.memory.tiers).map((tier) => ({ value: tier, label: tierName(tier) }));
const SPANS = Object.entries(words.spans)
  .map(([value, label]) => ({ value, label }))
  .sort((one, other) => Number(other.value === "any") - Number(one.value === "any"));

/** The question and where to look. Filters ask at once; a text waits until it is sent. */
export function SearchForm({ question, onAsk }: Props) {
  const [text, setText] = useState(question.text);
  const id = useId();
  const ask = (changes: Partial<Question>) => onAsk({ ...question, text: text.trim(), ...changes });
  return (
    <form
      className={styles["search"]}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        ask({});
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
            maxLength={2000}
            autoComplete="off"
            onChange={(event) => setText(event.target.value)}
          />
          <Button type="primary" htmlType="submit" aria-label={words.action}>
            {words.action}
          </Button>
        </div>
      </div>
      <div className={styles["filters"]}>
        <Select
          aria-label={words.tiers}
          className={styles["select"] ?? ""}
          mode="multiple"
          maxTagCount="responsive"
          placeholder={words.allTiers}
          value={question.tiers}
          options={TIERS}
          showSearch={{ optionFilterProp: "label" }}
          onChange={(tiers) => ask({ tiers })}
        />
        <OwnerSelect value={question.owner} onChange={(owner) => ask({ owner })} />
        <Select
          aria-label={words.within}
          className={styles["select"] ?? ""}
          value={question.withinS?.toString() ?? "any"}
          options={SPANS}
          onChange={(value) => ask({ withinS: value === "any" ? undefined : Number(value) })}
        />
      </div>
    </form>
  );
}
