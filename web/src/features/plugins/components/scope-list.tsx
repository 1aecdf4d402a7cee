import { texts } from "@/shared/texts";

import { type Scope, scopeValue } from "../logic/permissions";
import styles from "./permissions.module.css";

const words = texts.plugins.rights;

/** How far a capability reaches, a line for each bound. */
export function ScopeList({ scope }: { scope: Scope }) {
  const fields = Object.entries(scope).filter(([, value]) => value !== null);
  if (fields.length === 0) return <span className={styles["muted"]}>{words.scopeWhole}</span>;
  return (
    <dl className={styles["scope"]} aria-label={words.scope}>
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt>{words.scopes[name] ?? texts.plugins.overview.limitNames[name] ?? name}</dt>
          <dd>{scopeValue(name, value)}</dd>
        </div>
      ))}
    </dl>
  );
}
