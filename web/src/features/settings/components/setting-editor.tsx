import { Button } from "antd";
import { type KeyboardEvent, type SubmitEvent, useEffect, useRef, useState } from "react";

import { asProblem, said } from "@/shared/api/problem";
import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";

import { useSetSettingMutation } from "../api/set-setting";
import { meaning } from "../amounts";
import type { Setting } from "../configuration";
import { kindOf } from "../value-kind";
import { ValueInput } from "./value-input";

interface Props {
  setting: Setting;
  onClose: () => void;
}

/** Changes a setting where it stands; what the host says against a value stands below it. */
export function SettingEditor({ setting, onClose }: Props) {
  const [set, { isLoading, error }] = useSetSettingMutation();
  const kind = kindOf(setting.schema);
  const [value, setValue] = useState<unknown>(() =>
    kind.kind === "json" ? JSON.stringify(setting.next, null, 2) : setting.next,
  );
  const [refused, setRefused] = useState<string>();
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input, textarea, button")?.focus();
  }, []);
  const words = texts.settings.configuration;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const read = readValue(kind.kind, value);
    setRefused("refused" in read ? read.refused : undefined);
    if ("refused" in read) return;
    void set({ name: setting.name, value: read.value }).then((answer) => {
      if (!answer.error) onClose();
    });
  };
  const cancel = (event: KeyboardEvent) => {
    if (event.key === "Escape" && !event.defaultPrevented) onClose();
  };
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- Escape is the button Cancel
    <form ref={form} onSubmit={submit} onKeyDown={cancel} noValidate>
      <Field
        label={setting.name}
        isLabelHidden
        hint={hintOf(setting, value)}
        error={refused ?? hostWords(error, setting.name)}
      >
        {(input) => <ValueInput kind={kind} value={value} onChange={setValue} input={input} />}
      </Field>
      <div>
        <Button type="primary" htmlType="submit" size="small" loading={isLoading}>
          {texts.common.save}
        </Button>
        <Button size="small" onClick={onClose}>
          {texts.common.cancel}
        </Button>
        <small>{setting.restart ? words.restartHint : words.liveHint}</small>
      </div>
    </form>
  );
}

function readValue(kind: string, value: unknown): { value: unknown } | { refused: string } {
  const words = texts.settings.configuration;
  if (kind !== "json") return value === undefined ? { refused: words.needed } : { value };
  try {
    return { value: JSON.parse(String(value)) as unknown };
  } catch {
    return { refused: words.notJson };
  }
}

function hintOf(setting: Setting, value: unknown): string {
  const { schema } = setting as { schema: { minimum?: number; maximum?: number } };
  const said = meaning(setting.name, value);
  return [said && `= ${said}`, rangeOf(schema.minimum, schema.maximum)].filter(Boolean).join(" · ");
}

function rangeOf(least: number | undefined, most: number | undefined): string {
  const words = texts.settings.configuration;
  if (least !== undefined) return most === undefined ? words.atLeast(least) : words.range(least, most);
  return most === undefined ? "" : words.atMost(most);
}

/** The host's words about this setting, without the file that it would have been written to. */
function hostWords(error: unknown, name: string): string | undefined {
  if (error === undefined) return undefined;
  const { fact, remedy, details } = asProblem(error);
  const problems = Array.isArray(details["problems"]) ? (details["problems"] as unknown[]) : [];
  for (const one of problems) {
    if (typeof one !== "object" || one === null || !("setting" in one) || one.setting !== name) continue;
    const { fact: own, remedy: way } = one as { fact?: unknown; remedy?: unknown };
    if (typeof own === "string") return said(own, typeof way === "string" ? way : "");
  }
  return said(fact, remedy);
}
