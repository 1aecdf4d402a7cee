import { prefix } from "@/shared/api/prefix";
import DownloadOutlined from "@ant-design/icons/DownloadOutlined";
import { Button } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { bytes } from "@/shared/ui/units";

import type { BackupDoing } from "./backup-dialogs";
import styles from "./backup.module.css";
import { RowActions } from "./row-actions";

interface Props {
  backup: Schemas["Backup"];
  isStaged: boolean;
  onDo: (doing: BackupDoing) => void;
}

/** One backup with what can be done with it. */
export function BackupRow({ backup, isStaged, onDo }: Props) {
  const { name } = backup;
  const words = texts.settings.backups;
  const actions = [
    ...(isStaged
      ? []
      : [{ key: "restore", label: words.restore, run: () => onDo({ what: "restore", name }) }]),
    { key: "remove", label: words.remove, isDanger: true, run: () => onDo({ what: "remove", name }) },
  ];
  if (backup.state === "making") {
    return (
      <li>
        <span className={styles["name"]}>{name}</span>
        <StateTag state="running" label={words.making} />
      </li>
    );
  }
  return (
    <li>
      <span className={styles["name"]}>
        {name}
        <small>
          {bytes(backup.size_bytes)} · <TimeAgo at={backup.made_at} />
        </small>
      </span>
      <span className={styles["buttons"]}>
        <Button
          size="small"
          icon={<DownloadOutlined />}
          href={`${prefix}/api/v1/backups/${encodeURIComponent(name)}`}
          download={name}
          aria-label={words.downloadOf(name)}
        >
          {words.download}
        </Button>
        <RowActions name={name} actions={actions} />
      </span>
    </li>
  );
}
