import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";
import { Panel } from "@/shared/ui/panel";
import { StateTag } from "@/shared/ui/state-tag";
import { count, took } from "@/shared/ui/units";

import { guardFigure, type Progress, versionName } from "../logic/rollout";
import styles from "./rollout.module.css";
import { ScrolledTable } from "./scrolled-table";

const words = texts.plugins.rollout;
const TONES = { holds: "good", waits: "calm", failed: "bad" } as const;

/** The calls of both versions in this step. */
export function RolloutFigures({ progress: { before, after } }: { progress: Progress }) {
  return (
    <Panel title={words.versions}>
      <ScrolledTable label={words.versions} columns={words.versionColumns}>
        {[after, before].map((one) => (
          <tr key={one.hash}>
            <th scope="row">{versionName(one)}</th>
            <td>{words.step(one.share)}</td>
            <td>{count(one.calls)}</td>
            <td>{one.calls === 0 ? count(0) : `${count(one.errors)} (${percent(one.errors, one.calls)})`}</td>
            <td>{one.p95_ms === null ? "–" : took(one.p95_ms / 1000)}</td>
          </tr>
        ))}
      </ScrolledTable>
      <p className={styles["hint"]}>{words.versionsHint}</p>
    </Panel>
  );
}

/** Each guard, with what it measures of both versions. */
export function RolloutGuards({ progress: { guards } }: { progress: Progress }) {
  return (
    <Panel title={words.guards}>
      {guards.length === 0 ? (
        <p className={styles["hint"]}>{words.noGuards}</p>
      ) : (
        <ScrolledTable label={words.guards} columns={words.guardColumns}>
          {guards.map(({ guard, figure, state, measured, before, most }) => (
            <tr key={guard}>
              <th scope="row">
                <code>{guard}</code>
              </th>
              <td>
                <StateTag state={state} tone={TONES[state]} label={words.guardStates[state]} />
              </td>
              <td>{guardFigure(figure, measured)}</td>
              <td>{guardFigure(figure, before)}</td>
              <td>{guardFigure(figure, most)}</td>
            </tr>
          ))}
        </ScrolledTable>
      )}
    </Panel>
  );
}

function percent(part: number, all: number): string {
  return `${((100 * part) / all).toLocaleString(locale, { maximumFractionDigits: 2 })} %`;
}
