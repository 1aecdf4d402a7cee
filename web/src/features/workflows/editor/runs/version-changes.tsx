import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useDiffWorkflowQuery } from "../api/diff-workflow";
import { shown } from "../model/about";
import panel from "../panel/panel.module.css";

const words = texts.workflowsEditor.history;
const MOST = 200;

/** What differs between two versions, by their parts and not by their lines. */
export function VersionChanges({ workflow, from, to }: { workflow: string; from: number; to: number }) {
  const { currentData, error } = useDiffWorkflowQuery({ workflow, from, to });
  const changes = currentData?.changes ?? [];
  return (
    <section aria-label={words.changes}>
      <ProblemNotice problem={error} />
      {currentData && changes.length === 0 && <p className={panel["muted"]}>{words.same}</p>}
      <ul className={panel["changes"]}>
        {changes.slice(0, MOST).map(({ kind, path, before, after }) => (
          <li key={`${kind}${path}`}>
            <strong>{words.kinds[kind] ?? kind}</strong> <code>{path || "/"}</code>
            {before !== undefined && <del>{shown(before)}</del>}
            {after !== undefined && <ins>{shown(after)}</ins>}
          </li>
        ))}
      </ul>
    </section>
  );
}
