import DatabaseOutlined from "@ant-design/icons/DatabaseOutlined";
import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useListBackupsQuery } from "../api/list-backups";
import { useMakeBackupMutation } from "../api/make-backup";
import { BackupDialogs, type BackupDoing } from "./backup-dialogs";
import { BackupNews } from "./backup-news";
import { BackupRow } from "./backup-row";
import styles from "./backup.module.css";
import { TabHead } from "./tab-head";

const WHILE_MAKING_MS = 2000;

/** Backups of all that the host keeps: made, fetched, and put back. */
export function BackupTab() {
  const [isMaking, setMaking] = useState(false);
  const { data, error, isLoading, refetch } = useListBackupsQuery(undefined, {
    pollingInterval: isMaking ? WHILE_MAKING_MS : 0,
  });
  const [make, making] = useMakeBackupMutation();
  const [doing, setDoing] = useState<BackupDoing>();
  const isBeingMade = data?.items.some((backup) => backup.state === "making") ?? false;
  if (isBeingMade !== isMaking) setMaking(isBeingMade);
  const words = texts.settings.backups;
  if (isLoading) return <Loading rows={6} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const button = (
    <Button type="primary" loading={making.isLoading || isBeingMade} onClick={() => void make()}>
      {words.make}
    </Button>
  );
  return (
    <div className={styles["backups"]}>
      <TabHead title={words.title} lead={words.lead(data.most)} actions={button} />
      <ProblemNotice problem={making.error} />
      <BackupNews backups={data} isTold={!making.error} />
      <Panel title={words.kept}>
        <List items={data.items} staged={data.staged?.backup} onDo={setDoing} />
      </Panel>
      <BackupDialogs doing={doing} onClose={() => setDoing(undefined)} />
    </div>
  );
}

interface ListProps {
  items: Schemas["Backup"][];
  staged: string | undefined;
  onDo: (doing: BackupDoing) => void;
}

function List({ items, staged, onDo }: ListProps) {
  const words = texts.settings.backups;
  if (items.length === 0) {
    return <EmptyState icon={<DatabaseOutlined />} title={words.none} next={words.noneNext} />;
  }
  return (
    <ul className={styles["rows"]}>
      {items.map((backup) => (
        <BackupRow key={backup.name} backup={backup} isStaged={backup.name === staged} onDo={onDo} />
      ))}
    </ul>
  );
}
