import DeleteOutlined from "@ant-design/icons/DeleteOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Dropdown } from "antd";

import { texts } from "@/shared/texts";

import { insertItem, removeItem } from "../model/edit";
import { type FieldSpec, LIMIT_FIELDS, ROOT_FIELDS, TRIGGER_FIELDS } from "../model/fields";
import { type Path, valueAt } from "../model/path";
import { setField } from "../model/setting";
import { newTrigger, triggerKind, triggersOf, triggerText } from "../model/triggers";
import type { Editor } from "../use-editor";
import { FieldView } from "./field-view";
import styles from "./panel.module.css";
import { Section } from "./task-panel";
import { YamlValue } from "./yaml-value";

const words = texts.workflowsEditor.forms;
const LIST: Path = ["host", "triggers"];
const ADDED = ["cron", "every", "webhook", "event", "connector"] as const;

/** What starts the workflow, what it is called, and its limits. */
export function TriggersPanel({ editor, isReadOnly }: { editor: Editor; isReadOnly: boolean }) {
  const { value, selected } = editor;
  const triggers = triggersOf(value);
  const set = (base: Path, at: Path, next: unknown) =>
    editor.edit((text) => ({ text: setField(text, base, at, next), selected }), true);
  const fields = (base: Path, specs: readonly FieldSpec[]) =>
    specs.map((spec) => (
      <FieldView
        key={spec.path.join(".")}
        spec={spec}
        value={valueAt(value, [...base, ...spec.path])}
        steps={[]}
        onChange={(next) => set(base, spec.path, next)}
      />
    ));
  const add = (kind: string) =>
    editor.edit((text) => ({ text: insertItem(text, LIST, triggers.length, newTrigger(kind)), selected }));
  const remove = (index: number) =>
    editor.edit((text) => ({
      text: triggers.length > 1 ? removeItem(text, LIST, index) : setField(text, [], LIST, undefined),
      selected,
    }));
  const menu = {
    items: ADDED.map((kind) => ({ key: kind, label: words.triggers[kind] })),
    onClick: ({ key }: { key: string }) => add(key),
  };
  return (
    <fieldset className={styles["panel"]} disabled={isReadOnly} style={{ border: 0, margin: 0, minWidth: 0 }}>
      <div className={styles["head"]}>
        <h2>{words.sections.triggers}</h2>
        {!isReadOnly && (
          <Dropdown menu={menu} trigger={["click"]}>
            <Button size="small" icon={<PlusOutlined aria-hidden />}>
              {words.addTrigger}
            </Button>
          </Dropdown>
        )}
      </div>
      {triggers.length === 0 && <p className={styles["muted"]}>{words.noTriggers}</p>}
      {triggers.map((trigger, index) => {
        const kind = triggerKind(trigger);
        return (
          <div key={index} className={styles["case"]} role="group" aria-label={triggerText(trigger)}>
            <div className={styles["head"]}>
              <strong style={{ flex: 1 }}>{words.triggers[kind]}</strong>
              <Button
                type="text"
                size="small"
                icon={<DeleteOutlined aria-hidden />}
                aria-label={words.removeOf(triggerText(trigger))}
                onClick={() => remove(index)}
              />
            </div>
            {kind === "other" ? (
              <YamlValue
                label={words.yamlValue}
                value={trigger}
                onChange={(next) => set([...LIST, index], [], next)}
              />
            ) : (
              fields([...LIST, index], TRIGGER_FIELDS[kind] ?? [])
            )}
          </div>
        );
      })}
      <Section title={words.fields.workflow} isOpen>
        {fields([], ROOT_FIELDS)}
      </Section>
      <Section
        title={words.sections.limits}
        isOpen={LIMIT_FIELDS.some(({ path }) => valueAt(value, path) !== undefined)}
      >
        {fields([], LIMIT_FIELDS)}
      </Section>
    </fieldset>
  );
}
