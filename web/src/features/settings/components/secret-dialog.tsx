import { addressOf } from "@/shared/api/prefix";
import { Button, Modal } from "antd";

import { texts } from "@/shared/texts";
import { CodeBlock } from "@/shared/ui/code-block";

import { Notice } from "./notice";
import styles from "./tab.module.css";

interface Props {
  name: string;
  secret: string;
  onClose: () => void;
}

/** Shows a token, which nobody can read again. It stays until one says that it is kept. */
export function SecretDialog({ name, secret, onClose }: Props) {
  const words = texts.settings.tokens;
  const example = `curl -H "Authorization: Bearer ${secret}" ${addressOf("/api/v1/session")}`;
  return (
    <Modal
      open
      title={words.secretTitle}
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      footer={
        <Button type="primary" onClick={onClose}>
          {words.done}
        </Button>
      }
    >
      <div className={styles["column"]}>
        <Notice tone="warn" title={name}>
          {words.secretWarning}
        </Notice>
        <CodeBlock label={words.secret} text={secret} />
        <div>
          <p className={styles["muted"]}>{words.example}</p>
          <CodeBlock label={words.example} text={example} />
        </div>
      </div>
    </Modal>
  );
}
