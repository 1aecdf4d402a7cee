import { texts } from "@/shared/texts";

import { schemaRows, typeOf } from "../logic/schema-rows";
import styles from "./functions.module.css";

/** What a schema says, to be read: the members of an object with their types, or the one type. */
export function SchemaTable({ schema }: { schema: Record<string, unknown> }) {
  const rows = schemaRows(schema);
  if (rows.length === 0) return <p className={styles["muted"]}>{typeOf(schema)}</p>;
  return (
    <ul className={styles["members"]}>
      {rows.map(({ name, type, isRequired, about }) => (
        <li key={name}>
          <code>{name}</code> <span>{type}</span>
          {isRequired && <em>{texts.plugins.calls.required}</em>}
          {about && <small>{about}</small>}
        </li>
      ))}
    </ul>
  );
}
