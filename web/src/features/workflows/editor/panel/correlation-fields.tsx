import CloseOutlined from "@ant-design/icons/CloseOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Input } from "antd";

import { texts } from "@/shared/texts";

import type { Correlation } from "../model/filters";
import styles from "./panel.module.css";

const words = texts.workflowsEditor.forms.events;
const PARTS = ["name", "from", "expect"] as const;

interface Props {
  list: readonly Correlation[];
  onChange: (list: readonly Correlation[]) => void;
}

/** What of an event tells that it belongs to this run. */
export function CorrelationFields({ list, onChange }: Props) {
  const blank = {
    name: list.length === 0 ? "id" : `id${list.length + 1}`,
    from: "${ .data.id }",
    expect: "",
  };
  return (
    <div role="group" aria-label={words.correlate} className={styles["fields"]}>
      <strong>{words.correlate}</strong>
      {list.map((one, at) => (
        <div key={at} className={styles["row"]} style={{ gridTemplateColumns: "1fr 1fr 1fr auto" }}>
          {PARTS.map((part) => (
            <Input
              key={part}
              className={styles["code"] ?? ""}
              aria-label={`${words.parts[part]} ${at + 1}`}
              placeholder={words.parts[part]}
              value={one[part]}
              spellCheck={false}
              onChange={(event) => onChange(list.with(at, { ...one, [part]: event.target.value }))}
            />
          ))}
          <Button
            type="text"
            size="small"
            icon={<CloseOutlined aria-hidden />}
            aria-label={texts.workflowsEditor.forms.removeOf(one.name)}
            onClick={() => onChange(list.toSpliced(at, 1))}
          />
        </div>
      ))}
      <div>
        <Button size="small" icon={<PlusOutlined aria-hidden />} onClick={() => onChange([...list, blank])}>
          {words.addCorrelation}
        </Button>
      </div>
    </div>
  );
}
