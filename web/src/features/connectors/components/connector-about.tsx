import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { useDispatch } from "react-redux";

import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { Facts } from "@/shared/ui/facts";
import { TimeAgo } from "@/shared/ui/time-ago";
import { count, took } from "@/shared/ui/units";

import { useRemoveConnectorMutation } from "../api/remove-connector";
import { figuresOf } from "../logic/connector";
import { ConnectorEdit } from "./connector-edit";
import { ConnectorState } from "./connector-state";
import { ConnectorTest } from "./connector-test";
import styles from "./connectors.module.css";

type Connector = Schemas["Connector"];

const words = texts.connectors.detail;

/** How a connector is set up and how it goes. */
export function ConnectorAbout({ connector, onClose }: { connector: Connector; onClose: () => void }) {
  const mayTest = useMay("operator");
  const mayChange = useMay("admin");
  const [asks, setAsks] = useState<"edit" | "remove">();
  const [remove, removing] = useRemoveConnectorMutation();
  const dispatch = useDispatch();
  const removeIt = async () => {
    const answer = await remove(connector.name);
    if (answer.error) return;
    onClose();
    dispatch(api.util.invalidateTags(["Connector"]));
  };
  return (
    <div className={styles["drawer"]}>
      {mayTest && (
        <ConnectorTest name={connector.name}>
          {mayChange && (
            <>
              <Button onClick={() => setAsks("edit")}>{words.edit}</Button>
              <Button danger onClick={() => setAsks("remove")}>
                {words.remove}
              </Button>
            </>
          )}
        </ConnectorTest>
      )}
      <Facts facts={factsOf(connector)} />
      <Part title={words.settings} values={connector.config} />
      <section>
        <h2>{words.credentials}</h2>
        <Credentials credentials={connector.credentials} />
      </section>
      <Part title={words.limits} values={connector.limits} otherwise={words.usual} />
      {asks === "edit" && <ConnectorEdit connector={connector} onClose={() => setAsks(undefined)} />}
      <ConfirmDialog
        isOpen={asks === "remove"}
        title={words.removeTitle(connector.name)}
        action={words.remove}
        name={connector.name}
        isBusy={removing.isLoading}
        problem={removing.error}
        onConfirm={() => void removeIt()}
        onClose={() => setAsks(undefined)}
      >
        {words.removeText}
      </ConfirmDialog>
    </div>
  );
}

function factsOf(connector: Connector): [string, ReactNode][] {
  const figures = figuresOf(connector);
  const failures = Object.entries(figures?.failures ?? {}).map(([code, many]) => `${code}: ${many}`);
  const average = figures && figures.calls > 0 ? took(figures.took_s / figures.calls) : undefined;
  return [
    [texts.connectors.kind, connector.kind],
    [texts.connectors.state, <ConnectorState key="state" connector={connector} />],
    [texts.connectors.calls, figures && count(figures.calls)],
    [words.attempts, figures && figures.attempts !== figures.calls ? count(figures.attempts) : undefined],
    [words.average, average],
    [words.failuresBy, failures.length > 0 ? failures.join(", ") : undefined],
    [
      texts.connectors.lastError,
      figures?.last_error ? (
        <span key="error">
          {figures.last_error}
          <small>
            <TimeAgo at={figures.last_error_at} />
          </small>
        </span>
      ) : undefined,
    ],
    [words.added, <TimeAgo key="added" at={connector.added_at} />],
    [texts.connectors.changed, <TimeAgo key="changed" at={connector.changed_at} />],
  ];
}

interface PartProps {
  title: string;
  values: object;
  otherwise?: string;
}

function Part({ title, values, otherwise = texts.common.none }: PartProps) {
  const facts = Object.entries(values).map(([name, value]): [string, ReactNode] => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return (
    <section>
      <h2>{title}</h2>
      {facts.length > 0 ? <Facts facts={facts} /> : <p className={styles["muted"]}>{otherwise}</p>}
    </section>
  );
}

function Credentials({ credentials }: { credentials: Record<string, string> }) {
  const facts = Object.entries(credentials).map(([name, reference]): [string, ReactNode] => [
    name,
    reference.startsWith("vault:connector.") ? words.credentialKept : <code key={name}>{reference}</code>,
  ]);
  return facts.length > 0 ? (
    <Facts facts={facts} />
  ) : (
    <p className={styles["muted"]}>{words.noCredentials}</p>
  );
}
