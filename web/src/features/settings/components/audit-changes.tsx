import { texts } from "@/shared/texts";

import type { Difference } from "../differences";
import styles from "./audit.module.css";

const LONGEST = 2000;

/** Member by member what was before and after. */
export function AuditChanges({ changes, isEmpty }: { changes: Difference[]; isEmpty: boolean }) {
  const words = texts.settings.audit;
  if (changes.length === 0) return <p>{isEmpty ? words.noChanges : words.same}</p>;
  return (
    <table className={styles["changes"]}>
      <thead>
        <tr>
          <th scope="col">{words.member}</th>
          <th scope="col">{words.before}</th>
          <th scope="col">{words.after}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ path, before, after }) => (
          <tr key={path}>
            <th scope="row">{path || words.wholeValue}</th>
            <td>
              <Value value={before} tone="before" />
            </td>
            <td>
              <Value value={after} tone="after" />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ value, tone }: { value: unknown; tone: "before" | "after" }) {
  if (value === undefined) return <span className={styles["absent"]}>{texts.settings.audit.absent}</span>;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return <code className={styles[tone]}>{text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}</code>;
}
