import CloseOutlined from "@ant-design/icons/CloseOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button, Input, Select } from "antd";

import { texts } from "@/shared/texts";
import { Field } from "@/shared/ui/field";

import { type Filter, type Filters, filtersOf, filtersText, type Way, WAYS } from "../model/filters";
import { CorrelationFields } from "./correlation-fields";
import { PairsField } from "./pairs-field";
import styles from "./panel.module.css";
import { YamlValue } from "./yaml-value";

const words = texts.workflowsEditor.forms.events;
const BLANK: Filter = { type: "example.happened", source: "", others: {}, correlate: [] };

interface Props {
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** Which events are waited for: by type and source, and what must be the same in them. */
export function EventsField({ label, value, onChange }: Props) {
  const found = filtersOf(value);
  if (!found) return <YamlValue label={label} value={value} onChange={onChange} />;
  const { way, filters } = found;
  const put = (next: Partial<Filters>) => onChange(filtersText({ ...found, ...next }));
  return (
    <div role="group" aria-label={label} className={styles["fields"]}>
      {way === "any" && filters.length === 0 && <p>{words.anything}</p>}
      {filters.map((filter, at) => (
        <One
          key={at}
          number={at + 1}
          filter={filter}
          onChange={(next) => put({ filters: filters.with(at, next) })}
          onRemove={filters.length > 1 ? () => put({ filters: filters.toSpliced(at, 1) }) : undefined}
        />
      ))}
      {filters.length > 1 && (
        <Select<Way>
          aria-label={words.way}
          value={way === "one" ? "any" : way}
          options={WAYS.filter((one) => one !== "one").map((one) => ({ value: one, label: words.ways[one] }))}
          onChange={(next) => put({ way: next })}
        />
      )}
      <div>
        <Button
          size="small"
          icon={<PlusOutlined aria-hidden />}
          onClick={() => put({ filters: [...filters, BLANK] })}
        >
          {words.add}
        </Button>
      </div>
    </div>
  );
}

interface OneProps {
  number: number;
  filter: Filter;
  onChange: (filter: Filter) => void;
  onRemove: (() => void) | undefined;
}

function One({ number, filter, onChange, onRemove }: OneProps) {
  const title = words.event(number);
  const change = (next: Partial<Filter>) => onChange({ ...filter, ...next });
  return (
    <div className={styles["case"]} role="group" aria-label={title}>
      <div className={styles["head"]}>
        <strong style={{ flex: 1 }}>{title}</strong>
        {onRemove && (
          <Button
            type="text"
            size="small"
            icon={<CloseOutlined aria-hidden />}
            aria-label={texts.workflowsEditor.forms.removeOf(title)}
            onClick={onRemove}
          />
        )}
      </div>
      <Field label={words.type} hint={words.typeHint}>
        {(input) => (
          <Input
            {...input}
            value={filter.type}
            spellCheck={false}
            onChange={(event) => change({ type: event.target.value })}
          />
        )}
      </Field>
      <Field label={words.source} hint={words.sourceHint}>
        {(input) => (
          <Input
            {...input}
            value={filter.source}
            spellCheck={false}
            onChange={(event) => change({ source: event.target.value })}
          />
        )}
      </Field>
      <details open={Object.keys(filter.others).length > 0 || filter.correlate.length > 0}>
        <summary>{words.more}</summary>
        <div className={styles["fields"]}>
          <PairsField
            label={words.others}
            value={filter.others}
            onChange={(next) => change({ others: (next ?? {}) as Filter["others"] })}
          />
          <CorrelationFields list={filter.correlate} onChange={(correlate) => change({ correlate })} />
        </div>
      </details>
    </div>
  );
}
