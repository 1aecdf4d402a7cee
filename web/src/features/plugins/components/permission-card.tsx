import { Button } from "antd";
import { useState } from "react";

import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag, type Tone } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { useGiveGrantMutation } from "../api/give-grant";
import { useTakeGrantMutation } from "../api/take-grant";
import type { Permission } from "../logic/permissions";
import styles from "./permissions.module.css";
import { ScopeList } from "./scope-list";

interface Props {
  plugin: string;
  permission: Permission;
  /** Of the version that asks. */
  digest: string | null;
  mayGrant: boolean;
}

const words = texts.plugins.rights;
const TAGS: Record<Permission["standing"], [string, Tone]> = {
  always: [words.always, "calm"],
  granted: [words.granted, "good"],
  narrower: [words.narrower, "warn"],
  "not-granted": [words.notGranted, "warn"],
};

/** One capability: what it means, why it is asked for, how far it reaches, and who granted it. */
export function PermissionCard({ plugin, permission, digest, mayGrant }: Props) {
  const { name, scope, reason, warnings, grant, standing } = permission;
  const kind = words.kinds[name];
  const [label, tone] = TAGS[standing];
  return (
    <li className={styles["card"]}>
      <div className={styles["line"]}>
        <h3>
          {kind?.title ?? name} <code>{name}</code>
        </h3>
        <StateTag state={standing} label={label} tone={tone} />
      </div>
      {kind && <p className={styles["muted"]}>{kind.what}</p>}
      <blockquote className={styles["reason"]} aria-label={words.reason}>
        {reason || words.noReason}
      </blockquote>
      <ScopeList scope={scope} />
      <Warnings of={warnings} />
      {standing === "narrower" && grant && (
        <div className={styles["has"]}>
          <span>{words.granted}</span>
          <ScopeList scope={grant.scope} />
        </div>
      )}
      <div className={styles["line"]}>
        <small className={styles["muted"]}>
          {grant && (
            <>
              {words.granted} {words.by(grant.granted_by || words.somebody)},{" "}
              <TimeAgo at={grant.granted_at} />
            </>
          )}
          {standing === "always" && words.alwaysHint}
        </small>
        {mayGrant && <Decide plugin={plugin} permission={permission} digest={digest} />}
      </div>
    </li>
  );
}

/** What a reviewer should look at twice, such as an address of the host itself. */
export function Warnings({ of }: { of: readonly string[] }) {
  return of.map((one) => (
    <p key={one} role="note">
      <StateTag state="warning" label={words.warning} tone="warn" /> {one}
    </p>
  ));
}

function Decide({ plugin, permission: { name, grant, standing }, digest }: Omit<Props, "mayGrant">) {
  const [give, giving] = useGiveGrantMutation();
  const [take, taking] = useTakeGrantMutation();
  const [isAsking, setAsking] = useState(false);
  const revoke = async () => {
    const answer = await take({ plugin, capability: name });
    if (!answer.error) setAsking(false);
  };
  const close = () => {
    setAsking(false);
    taking.reset();
  };
  return (
    <div className={styles["tools"]}>
      <ProblemNotice problem={giving.error} />
      {(standing === "not-granted" || standing === "narrower") && (
        <Button
          type="primary"
          loading={giving.isLoading}
          aria-label={standing === "narrower" ? words.grantMoreOf(name) : words.grantOf(name)}
          onClick={() => void give({ plugin, capability: name, digest })}
        >
          {standing === "narrower" ? words.grantMore : words.grant}
        </Button>
      )}
      {grant && (
        <Button aria-label={words.revokeOf(name)} onClick={() => setAsking(true)}>
          {words.revoke}
        </Button>
      )}
      <ConfirmDialog
        isOpen={isAsking}
        title={words.revokeTitle(name)}
        action={words.revoke}
        isBusy={taking.isLoading}
        problem={taking.error}
        onConfirm={() => void revoke()}
        onClose={close}
      >
        {words.revokeText}
      </ConfirmDialog>
    </div>
  );
}
