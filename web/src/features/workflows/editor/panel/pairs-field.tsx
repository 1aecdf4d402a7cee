import CloseOutlined from "@ant-design/icons/CloseOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Input } from "antd";
import { stringify } from "yaml";

import { texts } from "@/shared/texts";

import { isExpression } from "../model/data";
import { isObject } from "../model/path";
import { read } from "../model/source";
import { ExpressionField } from "./expression-field";
import styles from "./panel.module.css";
import { useDraft } from "./use-draft";
import { YamlValue } from "./yaml-value";

const words = texts.workflowsEditor.forms;

interface Props {
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** Values by name, each of which may be an expression. */
export function PairsField({ label, value, onChange }: Props) {
  if (value !== undefined && !isObject(value))
    return <YamlValue label={label} value={value} onChange={onChange} />;
  const pairs = Object.entries(value ?? {});
  const put = (next: [string, unknown][]) => onChange(next.length > 0 ? Object.fromEntries(next) : undefined);
  const add = () => {
    let number = pairs.length + 1;
    while (pairs.some(([name]) => name === `value${number}`)) number += 1;
    put([...pairs, [`value${number}`, ""]]);
  };
  return (
    <div role="group" aria-label={label} className={styles["fields"]}>
      <strong>{label}</strong>
      {pairs.map(([name, inner], at) => (
        <div key={at} className={styles["pair"]}>
          <Name
            name={name}
            isFree={(next) => !pairs.some(([other]) => other === next)}
            onChange={(next) => put(pairs.with(at, [next, inner]))}
          />
          <Button
            type="text"
            size="small"
            icon={<CloseOutlined aria-hidden />}
            aria-label={words.removeOf(name)}
            onClick={() => put(pairs.toSpliced(at, 1))}
          />
          <Value
            label={`${words.pairValue} ${name}`}
            value={inner}
            onChange={(next) => put(pairs.with(at, [name, next]))}
          />
        </div>
      ))}
      <div>
        <Button size="small" icon={<PlusOutlined aria-hidden />} onClick={add}>
          {words.addPair}
        </Button>
      </div>
    </div>
  );
}

interface NameProps {
  name: string;
  isFree: (name: string) => boolean;
  onChange: (name: string) => void;
}

function Name({ name, isFree, onChange }: NameProps) {
  const [draft, setDraft] = useDraft(name);
  return (
    <Input
      className={styles["code"] ?? ""}
      aria-label={words.key}
      value={draft}
      spellCheck={false}
      onChange={(event) => {
        const next = event.target.value;
        const isGood = next !== "" && isFree(next);
        setDraft(next, isGood ? next : undefined);
        if (isGood) onChange(next);
      }}
    />
  );
}

interface ValueProps {
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

const textOf = (value: unknown) =>
  typeof value === "string" && (isExpression(value) || read(value).value === value || value === "")
    ? value
    : stringify(value, { lineWidth: 0, collectionStyle: "flow" }).trimEnd();

/** A value: an expression, or what the text is in YAML. */
function Value({ label, value, onChange }: ValueProps) {
  const [draft, setDraft] = useDraft(textOf(value));
  const change = (text: string) => {
    const found = isExpression(text) || text === "" ? { value: text } : read(text);
    const next = found.problem || found.value === undefined ? text : found.value;
    setDraft(text, textOf(next));
    onChange(next);
  };
  return <ExpressionField label={label} value={draft} onChange={change} />;
}
