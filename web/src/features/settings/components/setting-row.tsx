import EditOutlined from "@ant-design/icons/EditOutlined";
import LockOutlined from "@ant-design/icons/LockOutlined";
import { Button } from "antd";
import { useRef, useState } from "react";

import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useUnsetSettingMutation } from "../api/unset-setting";
import { meaning } from "../amounts";
import { originOf, type Setting, shownValue } from "../configuration";
import styles from "./configuration.module.css";
import { SettingEditor } from "./setting-editor";

/** One setting: what holds, where that comes from, and the way to change it. */
export function SettingRow({ setting }: { setting: Setting }) {
  const [isEdited, setEdited] = useState(false);
  const [reset, { isLoading, error }] = useUnsetSettingMutation();
  const button = useRef<HTMLButtonElement>(null);
  const words = texts.settings.configuration;
  const close = () => {
    setEdited(false);
    requestAnimationFrame(() => button.current?.focus()); // it is there again with the next picture
  };
  return (
    <li className={styles["row"]}>
      <div className={styles["name"]}>
        <code>{setting.name}</code>
        <p className={styles["doc"]}>{setting.doc}</p>
      </div>
      {isEdited ? (
        <div className={styles["editor"]}>
          <SettingEditor setting={setting} onClose={close} />
        </div>
      ) : (
        <>
          <Value setting={setting} />
          <div className={styles["buttons"]}>
            {setting.editable ? (
              <Button
                ref={button}
                size="small"
                type="text"
                icon={<EditOutlined />}
                aria-label={words.edit(setting.name)}
                title={words.edit(setting.name)}
                onClick={() => setEdited(true)}
              />
            ) : (
              <span className={styles["fixed"]} role="img" aria-label={setting.fixed} title={setting.fixed}>
                <LockOutlined aria-hidden />
              </span>
            )}
            {setting.override && (
              <Button
                size="small"
                loading={isLoading}
                aria-label={words.reset(setting.name)}
                onClick={() => void reset(setting.name)}
              >
                {words.resetShort}
              </Button>
            )}
          </div>
          <ProblemNotice problem={error} />
        </>
      )}
    </li>
  );
}

function Value({ setting }: { setting: Setting }) {
  const words = texts.settings.configuration;
  const shown = shownValue(setting);
  const isDefault = setting.origin === "default";
  const hint = setting.secret ? undefined : meaning(setting.name, setting.value);
  return (
    <div className={styles["value"]} data-empty={shown === words.isNotSet}>
      <span>{shown}</span>
      {hint && <span className={styles["meaning"]}>{hint}</span>}
      {setting.waiting && <p className={styles["next"]}>{words.next(shownValue(setting, setting.next))}</p>}
      <p className={styles["origin"]} data-own={!isDefault} title={words.origin}>
        {originOf(setting.origin)}
        {!isDefault && !setting.secret && ` · ${words.defaultIs(shownValue(setting, setting.default))}`}
      </p>
    </div>
  );
}
