import FunctionOutlined from "@ant-design/icons/FunctionOutlined";
import { Button, Input, type GetRef, Popover } from "antd";
import { useRef, useState } from "react";

import { texts } from "@/shared/texts";
import type { FieldInput } from "@/shared/ui/field";

import { isExpression, withPath } from "../model/data";
import { DataPicker } from "./data-picker";
import { LiveValue } from "./live-value";
import styles from "./panel.module.css";

interface Props {
  /** The id and what describes it; without a label of its own, `label` says it. */
  input?: FieldInput;
  label?: string;
  value: string;
  placeholder?: string;
  onChange: (value: string) => void;
}

/** A text that may be an expression: typed, or picked from the data; with the value that it has now. */
export function ExpressionField({ input, label, value, placeholder, onChange }: Props) {
  const [isOpen, setOpen] = useState(false);
  const field = useRef<GetRef<typeof Input.TextArea>>(null);
  const pick = (path: string) => {
    onChange(
      withPath(value, path, field.current?.resizableTextArea?.textArea.selectionStart ?? value.length),
    );
    setOpen(false);
    field.current?.focus();
  };
  return (
    <div>
      <div className={styles["expression"]}>
        <Input.TextArea
          {...input}
          ref={field}
          className={`${styles["code"] ?? ""} ${styles["growing"] ?? ""}`}
          rows={1}
          value={value}
          spellCheck={false}
          autoComplete="off"
          {...(label !== undefined && { "aria-label": label })}
          {...(placeholder !== undefined && { placeholder })}
          onChange={(event) => onChange(event.target.value)}
        />
        <Popover
          open={isOpen}
          trigger="click"
          placement="bottomRight"
          title={texts.workflowsEditor.forms.data}
          content={<DataPicker onPick={pick} />}
          onOpenChange={setOpen}
          destroyOnHidden
        >
          <Button
            type="text"
            size="small"
            icon={<FunctionOutlined aria-hidden />}
            aria-label={texts.workflowsEditor.forms.expression}
            title={texts.workflowsEditor.forms.expression}
          />
        </Popover>
      </div>
      {isExpression(value) && <LiveValue expression={value} />}
    </div>
  );
}
