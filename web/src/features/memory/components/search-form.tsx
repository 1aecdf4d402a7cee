import { Select } from "antd";

import { texts } from "@/shared/texts";

import { tierName } from "../logic/policy";
import type { Question } from "../logic/question";
import { AskForm } from "./ask-form";
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
  return (
    <AskForm
      words={words}
      text={question.text}
      maxLength={2000}
      onAsk={(text) => onAsk({ ...question, text })}
    >
      {(text) => (
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
            onChange={(tiers) => onAsk({ ...question, text, tiers })}
          />
          <OwnerSelect value={question.owner} onChange={(owner) => onAsk({ ...question, text, owner })} />
          <Select
            aria-label={words.within}
            className={styles["select"] ?? ""}
            value={question.withinS?.toString() ?? "any"}
            options={SPANS}
            onChange={(value) =>
              onAsk({ ...question, text, withinS: value === "any" ? undefined : Number(value) })
            }
          />
        </div>
      )}
    </AskForm>
  );
}
