import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { bytes } from "@/shared/ui/units";

import { useListVersionsQuery } from "../api/list-versions";
import { useRollBackMutation } from "../api/roll-back";
import type { Plugin } from "../logic/review";
import { shortHash } from "../logic/short-hash";
import styles from "./versions.module.css";

type Version = Schemas["Version"];

const words = texts.plugins.care;

/** The versions that are kept, and the way back to one. */
export function VersionsTab({ plugin: { name } }: { plugin: Plugin }) {
  const { data, error, isLoading, refetch } = useListVersionsQuery(name);
  const mayDecide = useMay("admin", name);
  const [chosen, setChosen] = useState<Version>();
  const [isAsking, setAsking] = useState(false);
  const [rollBack, rolling] = useRollBackMutation();
  const confirm = async () => {
    if (!chosen) return;
    const answer = await rollBack({ plugin: name, hash: chosen.hash });
    if (!answer.error) setAsking(false);
  };
  const ask = (version: Version) => {
    rolling.reset();
    setChosen(version);
    setAsking(true);
  };
  return (
    <Panel title={words.versions}>
      {isLoading && <Loading />}
      {!data && <ProblemNotice problem={error} onRetry={() => void refetch()} />}
      {data?.items.length === 0 && <EmptyState title={words.noVersions} next={words.noVersionsNext} />}
      <ul className={styles["versions"]} aria-label={words.versions}>
        {data?.items.map((version) => (
          <VersionRow key={version.hash} version={version} onRollBack={mayDecide ? ask : undefined} />
        ))}
      </ul>
      <p role="status" className={styles["told"]}>
        {rolling.isSuccess && chosen && words.rolledBack(nameOf(chosen))}
      </p>
      <ConfirmDialog
        isOpen={isAsking}
        title={words.rollBackTitle(chosen ? nameOf(chosen) : "")}
        action={words.rollBack}
        isBusy={rolling.isLoading}
        problem={rolling.error}
        onConfirm={() => void confirm()}
        onClose={() => setAsking(false)}
      >
        {words.rollBackText}
      </ConfirmDialog>
    </Panel>
  );
}

interface RowProps {
  version: Version;
  onRollBack: ((version: Version) => void) | undefined;
}

function VersionRow({ version, onRollBack }: RowProps) {
  const {
    hash,
    size_bytes: size,
    seen_at: seen,
    serving,
    newest,
    turned_away: away,
    functions,
    accepted,
  } = version;
  return (
    <li>
      <div className={styles["what"]}>
        <strong>{version.version || words.unnamed}</strong> <code title={hash}>{shortHash(hash)}</code>
        <span className={styles["tags"]}>
          {serving && <StateTag state="serving" tone="good" label={words.serving} />}
          {newest && <StateTag state="newest" tone="calm" label={words.newest} />}
          {away && <StateTag state="turned-away" tone="warn" label={words.turnedAway} />}
        </span>
        <small>
          {bytes(size)}, {words.functionCount(functions.length)}, {words.seen} <TimeAgo at={seen} />
          {accepted && <>, {words.acceptedBy(accepted.who)}</>}
        </small>
      </div>
      {onRollBack && !newest && (
        <Button aria-label={words.rollBackOf(nameOf(version))} onClick={() => onRollBack(version)}>
          {words.rollBack}
        </Button>
      )}
    </li>
  );
}

function nameOf({ version, hash }: Version): string {
  return version ? `${version} (${shortHash(hash)})` : shortHash(hash);
}
