import { Button } from "antd";
import RedoOutlined from "@ant-design/icons/RedoOutlined";

import { texts } from "@/shared/texts";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { took } from "@/shared/ui/units";

import type { PastCall } from "../logic/history";
import styles from "./functions.module.css";

interface Props {
  past: PastCall[];
  /** The function whose inputs can be used again. */
  own: string;
  onAgain: (call: PastCall) => void;
}

const words = texts.plugins.calls;

/** The calls of this visit, the newest first. */
export function CallHistory({ past, own, onAgain }: Props) {
  if (past.length === 0) return <p className={styles["muted"]}>{words.historyEmpty}</p>;
  return (
    <ul className={styles["history"]} aria-label={words.history}>
      {past.map((call) => (
        <li key={call.id}>
          <StateTag state={call.isOk ? "done" : "failed"} label={call.isOk ? words.worked : words.failed} />
          <span className={styles["past"]}>
            <strong>{call.function}</strong> <code>{call.preview}</code>
          </span>
          <span className={styles["when"]}>
            {call.timeMs !== null && <span>{took(call.timeMs / 1000)}</span>}
            <TimeAgo at={call.at} />
            {call.input && call.function === own && (
              <Button
                size="small"
                type="text"
                icon={<RedoOutlined />}
                aria-label={words.again(call.function)}
                title={words.again(call.function)}
                onClick={() => onAgain(call)}
              />
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
