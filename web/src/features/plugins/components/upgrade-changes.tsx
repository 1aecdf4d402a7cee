import type { ReactNode } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Panel } from "@/shared/ui/panel";
import { StateTag, type Tone } from "@/shared/ui/state-tag";

import { limitValue } from "../logic/limits";
import { FunctionChange } from "./function-change";
import { Warnings } from "./permission-card";
import { ScopeList } from "./scope-list";
import styles from "./upgrade.module.css";

const words = texts.plugins.rights;
type ChangeName = keyof typeof words.changes;
const TONES: Record<ChangeName, Tone> = {
  new: "warn",
  wider: "warn",
  narrower: "good",
  dropped: "good",
  added: "calm",
  removed: "warn",
  changed: "calm",
};

/** All that is different: capabilities, functions, limits. */
export function UpgradeChanges({ upgrade }: { upgrade: Schemas["Upgrade"] }) {
  const { changes, functions, limits, code } = upgrade;
  const names = texts.plugins.overview.limitNames;
  const none = texts.plugins.overview.noLimit;
  const rows = [...codeRows(words.exported, code.exports), ...codeRows(words.imported, code.imports)];
  return (
    <div className={styles["changes"]}>
      <Part title={words.capabilities} isEmpty={changes.length === 0}>
        {changes.map((change) => (
          <Row
            key={change.capability}
            change={change.change}
            name={words.kinds[change.capability]?.title ?? change.capability}
            code={change.capability}
          >
            {change.reason && <blockquote className={styles["reason"]}>{change.reason}</blockquote>}
            <div className={styles["sides"]}>
              {change.granted && (
                <div>
                  <small>{words.before}</small>
                  <ScopeList scope={change.granted} />
                </div>
              )}
              {change.change !== "dropped" && (
                <div>
                  {change.granted && <small>{words.after}</small>}
                  <ScopeList scope={change.asked} />
                  <Warnings of={change.warnings} />
                </div>
              )}
            </div>
          </Row>
        ))}
      </Part>
      <Part
        title={words.functions}
        isEmpty={functions.added.length + functions.removed.length + functions.changed.length === 0}
      >
        {functions.added.map((name) => (
          <Row key={`added ${name}`} change="added" name={name} />
        ))}
        {functions.removed.map((name) => (
          <Row key={`removed ${name}`} change="removed" name={name} />
        ))}
        {functions.changed.map((change) => (
          <Row key={`changed ${change.name}`} change="changed" name={change.name}>
            <FunctionChange name={change.name} before={change.before} after={change.after} />
          </Row>
        ))}
      </Part>
      <Part title={words.code} isEmpty={rows.length === 0}>
        {rows.map(([change, kind, name]) => (
          <Row key={`${change} ${kind} ${name}`} change={change} name={kind} code={name} />
        ))}
      </Part>
      <Part title={words.limits} isEmpty={Object.keys(limits).length === 0}>
        {Object.entries(limits).map(([name, { from, to }]) => (
          <li key={name} className={styles["limit"]}>
            <span>{names[name] ?? name}</span>
            <span>
              {limitValue(name, from) ?? none} → <strong>{limitValue(name, to) ?? none}</strong>
            </span>
          </li>
        ))}
      </Part>
    </div>
  );
}

function codeRows(kind: string, { added, removed }: Schemas["NameChanges"]): [ChangeName, string, string][] {
  return [
    ...added.map((name): [ChangeName, string, string] => ["added", kind, name]),
    ...removed.map((name): [ChangeName, string, string] => ["removed", kind, name]),
  ];
}

function Part({ title, isEmpty, children }: { title: string; isEmpty: boolean; children: ReactNode }) {
  return (
    <Panel title={title}>
      {isEmpty ? (
        <p className={styles["muted"]}>{words.unchanged}</p>
      ) : (
        <ul className={styles["rows"]} aria-label={title}>
          {children}
        </ul>
      )}
    </Panel>
  );
}

interface RowProps {
  change: ChangeName;
  name: string;
  code?: string;
  children?: ReactNode;
}

function Row({ change, name, code, children }: RowProps) {
  return (
    <li>
      <div className={styles["line"]}>
        <span className={styles["name"]}>
          {name} {code && <code>{code}</code>}
        </span>
        <StateTag state={change} label={words.changes[change]} tone={TONES[change]} />
      </div>
      {children}
    </li>
  );
}
