import CloseOutlined from "@ant-design/icons/CloseOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Input } from "antd";

import { texts } from "@/shared/texts";

import { isObject } from "../model/path";
import { shown } from "../model/about";
import { ExpressionField } from "./expression-field";
import styles from "./panel.module.css";
import { ThenSelect } from "./then-select";

const words = texts.workflowsEditor.forms;

type One = [name: string, way: Record<string, unknown>];

interface Props {
  value: unknown;
  steps: readonly string[];
  onChange: (value: unknown) => void;
}

/** The ways out of a decision, in their order; one without a condition is the rest. */
export function CasesField({ value, steps, onChange }: Props) {
  const cases = (Array.isArray(value) ? value : []).flatMap((item: unknown): One[] => {
    const [name, way] = isObject(item) ? (Object.entries(item)[0] ?? []) : [];
    return name === undefined ? [] : [[name, isObject(way) ? way : {}]];
  });
  const put = (next: One[]) => onChange(next.map(([name, way]) => ({ [name]: way })));
  const change = (at: number, way: Record<string, unknown>) => {
    const [name] = cases[at] ?? [""];
    const kept = Object.entries(way).filter(([, inner]) => inner !== "");
    put(cases.with(at, [name, Object.fromEntries(kept)]));
  };
  return (
    <div className={styles["fields"]}>
      {cases.map(([name, way], at) => (
        <div key={at} className={styles["case"]} role="group" aria-label={`${words.caseName} ${name}`}>
          <div className={styles["head"]}>
            <Input
              style={{ flex: 1 }}
              aria-label={words.caseName}
              value={name}
              onChange={(event) => put(cases.with(at, [event.target.value || name, way]))}
            />
            <Button
              type="text"
              size="small"
              icon={<CloseOutlined aria-hidden />}
              aria-label={words.removeOf(name)}
              onClick={() => put(cases.toSpliced(at, 1))}
            />
          </div>
          <ExpressionField
            label={words.caseWhen}
            placeholder={words.caseElse}
            value={way["when"] === undefined ? "" : shown(way["when"])}
            onChange={(when) => change(at, { ...(when && { when }), then: way["then"] ?? "continue" })}
          />
          <ThenSelect
            label={words.caseThen}
            value={typeof way["then"] === "string" ? way["then"] : "continue"}
            steps={steps}
            onChange={(then) => change(at, { ...way, then })}
          />
        </div>
      ))}
      <div>
        <Button
          size="small"
          icon={<PlusOutlined aria-hidden />}
          onClick={() =>
            put([...cases, [`case${cases.length + 1}`, { when: "${ true }", then: "continue" }]])
          }
        >
          {words.addCase}
        </Button>
      </div>
    </div>
  );
}
