import { Select } from "antd";
import { useId, useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { JsonView } from "@/shared/ui/json-view";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useCallConnectorMutation } from "../api/call-connector";
import { useListActionsQuery } from "../api/list-actions";
import { ActionInput } from "./action-input";
import styles from "./connectors.module.css";

const words = texts.connectors.attempt;

/** Calls one of a connector's actions. */
export function ActionTry({ name }: { name: string }) {
  const { data, error, isLoading, refetch } = useListActionsQuery(name);
  const [chosen, setChosen] = useState<string>();
  const id = useId();
  if (isLoading) return <Loading rows={6} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const action = data.items.find((one) => one.name === chosen) ?? data.items[0];
  if (!action) return <EmptyState title={words.none} next={words.noneNext} />;
  return (
    <div className={styles["drawer"]}>
      <div>
        <label htmlFor={id} className={styles["label"]}>
          {words.action}
        </label>
        <Select
          id={id}
          className={styles["select"] ?? ""}
          value={action.name}
          options={data.items.map((one) => ({ value: one.name, label: one.name }))}
          showSearch
          onChange={setChosen}
        />
        <p className={styles["muted"]}>
          {action.description} {words.repeats[action.repeat]}
        </p>
      </div>
      <Call key={action.name} name={name} action={action} />
    </div>
  );
}

function Call({ name, action }: { name: string; action: Schemas["ConnectorAction"] }) {
  const [call, { data, error, isLoading }] = useCallConnectorMutation();
  return (
    <>
      <ActionInput
        schema={action.input}
        isBusy={isLoading}
        onCall={(input) => void call({ name, action: action.name, input })}
      />
      <ProblemNotice problem={error} />
      {data && (
        <section>
          <h2>{words.output}</h2>
          <JsonView value={data.output} label={words.output} />
        </section>
      )}
    </>
  );
}
