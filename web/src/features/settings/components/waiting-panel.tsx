import { Button } from "antd";

import { texts } from "@/shared/texts";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useUnsetSettingMutation } from "../api/unset-setting";
import { type Setting, shownValue } from "../configuration";
import styles from "./configuration.module.css";

/** What was changed and takes effect when the host is started the next time. */
export function WaitingPanel({ settings }: { settings: Setting[] }) {
  const [reset, { isLoading, error }] = useUnsetSettingMutation();
  const words = texts.settings.configuration;
  if (settings.length === 0) return null;
  return (
    <Panel title={words.waiting} extra={words.waitingLead}>
      <ul className={styles["waiting"]}>
        {settings.map((setting) => (
          <li key={setting.name}>
            <p>
              <code>{setting.name}</code> {shownValue(setting)} <span aria-label={words.then}>→</span>{" "}
              <strong>{shownValue(setting, setting.next)}</strong>
            </p>
            {setting.override && (
              <Button
                size="small"
                disabled={isLoading}
                aria-label={words.undo(setting.name)}
                onClick={() => void reset(setting.name)}
              >
                {words.undoShort}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <ProblemNotice problem={error} />
    </Panel>
  );
}
