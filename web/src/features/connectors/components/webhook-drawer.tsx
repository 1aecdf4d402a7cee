import { addressOf } from "@/shared/api/prefix";
import { Button, Drawer } from "antd";
import { type ReactNode, useState } from "react";
import { useDispatch } from "react-redux";

import { api } from "@/shared/api/base-api";
import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { CopyButton } from "@/shared/ui/copy-button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { TimeAgo } from "@/shared/ui/time-ago";
import { span } from "@/shared/ui/units";

import { useListWebhooksQuery } from "../api/list-webhooks";
import { useRemoveWebhookMutation } from "../api/remove-webhook";
import { hasWindow } from "../logic/secret";
import { useAddress } from "@/shared/hooks/use-address";
import styles from "./connectors.module.css";
import { Deliveries } from "./deliveries";

type Webhook = Schemas["Webhook"];

const words = texts.connectors.hooks;

/** A webhook: its address, how a delivery is proven, and what was delivered. Nothing is open without a name. */
export function WebhookDrawer({ name }: { name: string | undefined }) {
  const change = useAddress();
  const close = () => change({ webhook: undefined, delivery: undefined });
  return (
    <Drawer
      open={name !== undefined}
      title={name}
      size={Math.min(760, window.innerWidth)}
      onClose={close}
      destroyOnHidden
    >
      {name !== undefined && <Content key={name} name={name} onClose={close} />}
    </Drawer>
  );
}

function Content({ name, onClose }: { name: string; onClose: () => void }) {
  const { data, error, isLoading, refetch } = useListWebhooksQuery();
  if (isLoading) return <Loading rows={8} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const hook = data.items.find((one) => one.name === name);
  if (!hook) return <EmptyState title={words.gone} next={words.goneNext} />;
  return (
    <div className={styles["drawer"]}>
      <Address path={hook.path} />
      <Facts facts={factsOf(hook)} />
      <Deliveries webhook={hook.name} />
      <Remove name={hook.name} onClose={onClose} />
    </div>
  );
}

function Address({ path }: { path: string }) {
  const address = addressOf(path);
  return (
    <section>
      <h2>{words.address}</h2>
      <p className={styles["address"]}>
        <code>{address}</code>
        <CopyButton text={address} label={words.copyAddress} />
      </p>
      <p className={styles["muted"]}>{words.addressHint}</p>
    </section>
  );
}

function factsOf(hook: Webhook): [string, ReactNode][] {
  const window = hasWindow(hook.rule) ? words.windowOf(span(hook.window_s)) : words.noWindow;
  return [
    [words.rule, words.rules[hook.rule] ?? hook.rule],
    [
      words.verified,
      <span key="proof">
        {words.proofs[hook.rule]}
        <small>{window}</small>
      </span>,
    ],
    [words.connector, hook.connector ?? words.noConnector],
    [words.added, <TimeAgo key="added" at={hook.added_at} />],
  ];
}

function Remove({ name, onClose }: { name: string; onClose: () => void }) {
  const mayRemove = useMay("admin");
  const [isAsking, setAsking] = useState(false);
  const [remove, { error, isLoading }] = useRemoveWebhookMutation();
  const dispatch = useDispatch();
  if (!mayRemove) return null;
  const removeIt = async () => {
    const answer = await remove(name);
    if (answer.error) return;
    onClose();
    dispatch(api.util.invalidateTags(["Webhook"]));
  };
  return (
    <div>
      <Button danger onClick={() => setAsking(true)}>
        {words.remove}
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        title={words.removeTitle(name)}
        action={words.remove}
        name={name}
        isBusy={isLoading}
        problem={error}
        onConfirm={() => void removeIt()}
        onClose={() => setAsking(false)}
      >
        {words.removeText}
      </ConfirmDialog>
    </div>
  );
}
