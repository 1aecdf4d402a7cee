import { texts } from "@/shared/texts";
import { Panel } from "@/shared/ui/panel";

import { useShowPluginStatusQuery } from "../api/show-status";
import { limitValue } from "../logic/limits";
import styles from "./overview.module.css";

const words = texts.plugins.overview;

/** What one call may use, and who said so. */
export function LimitsPanel({ name }: { name: string }) {
  const { data } = useShowPluginStatusQuery(name);
  if (!data) return null;
  return (
    <Panel title={words.limits}>
      <table className={styles["table"]}>
        <thead>
          <tr>
            <th scope="col">{words.limitHead.name}</th>
            <th scope="col">{words.limitHead.value}</th>
            <th scope="col">{words.limitHead.origin}</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(data.limits).map(([limit, { value, origin }]) => (
            <tr key={limit}>
              <td>{words.limitNames[limit] ?? limit}</td>
              <td>{limitValue(limit, value) ?? words.noLimit}</td>
              <td>{words.limitOrigins[origin]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
