import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useOrderHostMutation } from "../api/order-host";
import { useRemoveHostMutation } from "../api/remove-host";
import styles from "./hosts.module.css";

const words = texts.hosts;

interface Props {
  host: Schemas["FleetHostView"];
  onGone: () => void;
}

/** Cordons a host, drains it, lets it work again, throws it out. */
export function HostActions({ host, onGone }: Props) {
  const mayChange = useMay("admin");
  const [order, ordering] = useOrderHostMutation();
  const [remove, removing] = useRemoveHostMutation();
  const [isAsking, setAsking] = useState(false);
  if (!mayChange) return null;
  const { id, name, wanted = "ready" } = host;
  const button = (state: Schemas["HostOrder"]["state"], label: string) =>
    wanted !== state && (
      <Button loading={ordering.isLoading} onClick={() => void order({ id, state })}>
        {label}
      </Button>
    );
  return (
    <div>
      <div className={styles["bar"]}>
        {button("ready", words.uncordon)}
        {button("cordoned", words.cordon)}
        {button("drained", words.drain)}
        <Button danger onClick={() => setAsking(true)}>
          {words.remove}
        </Button>
      </div>
      <p className={styles["muted"]}>{words.cordonHint}</p>
      <ProblemNotice problem={ordering.error} />
      <ConfirmDialog
        isOpen={isAsking}
        title={words.removeTitle(name)}
        action={words.remove}
        name={name}
        isBusy={removing.isLoading}
        problem={removing.error}
        onConfirm={() => void remove(id).then(({ error }) => !error && onGone())}
        onClose={() => setAsking(false)}
      >
        {words.removeText}
      </ConfirmDialog>
    </div>
  );
}
