import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { bytes } from "@/shared/ui/units";

import { useDecideUpgradeMutation } from "../api/decide-upgrade";
import { shortHash } from "../logic/short-hash";
import styles from "./upgrade.module.css";

type Version = Schemas["Version"];

interface Props {
  plugin: string;
  upgrade: Schemas["Upgrade"];
  from: Version | null;
  to: Version;
}

const words = texts.plugins.rights;

/** The two versions, and what can be done about them. */
export function UpgradeDecision({ plugin, upgrade, from, to }: Props) {
  const mayDecide = useMay("admin", plugin);
  const [isAsking, setAsking] = useState(false);
  const [decide, { isLoading, error, reset }] = useDecideUpgradeMutation();
  const { kept, waiting, review, digest, lower } = upgrade;
  const approve = async () => {
    const answer = await decide({ plugin, decision: "approve", digest });
    if (!answer.error) setAsking(false);
  };
  const close = () => {
    setAsking(false);
    reset();
  };
  return (
    <section className={styles["decision"]} aria-label={words.upgrade}>
      <div className={styles["versions"]}>
        {from && (
          <>
            <VersionCard title={from.serving ? words.from : words.fromAccepted} version={from} />
            <span className={styles["arrow"]} aria-hidden>
              →
            </span>
          </>
        )}
        <VersionCard title={words.to} version={to} isLower={lower} />
      </div>
      {kept ? (
        <p>
          {words.turnedAway(kept.who)} <TimeAgo at={kept.at} />. {mayDecide && words.approvesLater}
        </p>
      ) : (
        waiting && <p>{words.waits(review || words.asksMore)}</p>
      )}
      {(waiting || kept) && (
        <p>
          {words.digest}: <code className={styles["digest"]}>{digest}</code>
        </p>
      )}
      {mayDecide && (waiting || kept) && (
        <div className={styles["tools"]}>
          <Button type="primary" onClick={() => setAsking(true)}>
            {words.approve}
          </Button>
          {!kept && from?.serving && (
            <Button
              loading={isLoading && !isAsking}
              aria-label={words.keep}
              onClick={() => void decide({ plugin, decision: "keep", digest })}
            >
              {words.keep}
            </Button>
          )}
        </div>
      )}
      {!isAsking && <ProblemNotice problem={error} />}
      <ConfirmDialog
        isOpen={isAsking}
        title={words.approveTitle(nameOf(to))}
        action={words.approve}
        isBusy={isLoading}
        problem={error}
        onConfirm={() => void approve()}
        onClose={close}
      >
        {words.approveText}
      </ConfirmDialog>
    </section>
  );
}

interface CardProps {
  title: string;
  version: Version;
  isLower?: boolean;
}

function VersionCard({ title, version, isLower = false }: CardProps) {
  return (
    <div className={styles["version"]}>
      <small>{title}</small>
      <strong>{version.version || words.unnamed}</strong>
      <code title={version.hash}>{shortHash(version.hash)}</code>
      <small>{bytes(version.size_bytes)}</small>
      {isLower && <StateTag state="lower" label={words.lower} tone="warn" />}
    </div>
  );
}

function nameOf({ version, hash }: Version): string {
  return version || shortHash(hash);
}
