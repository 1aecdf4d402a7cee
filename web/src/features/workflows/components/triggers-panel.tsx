import { addressOf } from "@/shared/api/prefix";
import { Link } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Panel } from "@/shared/ui/panel";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useListWorkflowWebhooksQuery } from "../api/list-workflow-webhooks";
import { webhooksOf } from "../logic/input";
import styles from "./workflows.module.css";

const words = texts.workflows;

/** What begins a workflow: when next, and where its webhooks are called. */
export function TriggersPanel({ workflow }: { workflow: Schemas["Workflow"] }) {
  const { triggers, document } = workflow;
  const hooks = webhooksOf(document);
  return (
    <Panel title={words.triggers}>
      {triggers.length === 0 && <p className={styles["muted"]}>{words.noTriggers}</p>}
      {triggers.length > 0 && (
        <ul className={styles["rows"]}>
          {triggers.map(({ kind, about, next_at }, index) => (
            <li key={`${kind} ${index}`}>
              <span className={styles["two"]}>
                <span>{words.triggerKinds[kind] ?? kind}</span>
                <small>{about}</small>
              </span>
              {next_at !== null && (
                <span className={styles["muted"]}>
                  {words.nextAt} <TimeAgo at={next_at} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {hooks.length > 0 && <Hooks names={hooks} />}
    </Panel>
  );
}

function Hooks({ names }: { names: string[] }) {
  const { data } = useListWorkflowWebhooksQuery();
  if (!data) return null;
  return (
    <div className={styles["hooks"]}>
      {names.map((name) => {
        const hook = data.items.find((one) => one.name === name);
        const address = hook && addressOf(hook.path);
        return (
          <div key={name}>
            <h3>
              {words.webhookAddress} {name}
            </h3>
            {address === undefined ? (
              <p className={styles["muted"]}>
                {words.webhookMissing} <Link to="/connectors/webhooks">{words.toWebhooks}</Link>
              </p>
            ) : (
              <p className={styles["address"]}>
                <code>{address}</code>
                <CopyButton text={address} label={words.copyAddress} />
              </p>
            )}
          </div>
        );
      })}
    </div>
  );
}
