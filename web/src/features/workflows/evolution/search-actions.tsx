import { Button } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";

import { useOrderEvolutionMutation } from "../api/order-evolution";
import styles from "./evolution.module.css";

type Order = "stop" | "promote" | "rollback";

const words = texts.workflows.searches;

/** What can be done with a search as it stands: end it, take its proposal, or take that back. */
export function SearchActions({ search }: { search: Schemas["Evolution"] }) {
  const mayAct = useMay("admin");
  const [order, { error, isLoading, reset }] = useOrderEvolutionMutation();
  const [asked, setAsked] = useState<Order>();
  if (!mayAct) return null;
  const orders = ordersOf(search);
  const ask = (one: Order) => {
    reset();
    setAsked(one);
  };
  return (
    <div className={styles["tools"]}>
      {orders.map((one) => (
        <Button key={one} type={one === "promote" ? "primary" : "default"} onClick={() => ask(one)}>
          {words.orders[one]}
        </Button>
      ))}
      <ConfirmDialog
        isOpen={asked !== undefined}
        title={asked ? words.orderTitles[asked](search.workflow) : ""}
        action={asked ? words.orders[asked] : ""}
        isBusy={isLoading}
        problem={error}
        onConfirm={() =>
          asked &&
          void order({ search: search.id, order: asked }).then((told) => !told.error && setAsked(undefined))
        }
        onClose={() => setAsked(undefined)}
      >
        {asked ? words.orderTexts[asked] : ""}
      </ConfirmDialog>
    </div>
  );
}

function ordersOf({ state, best, promoted }: Schemas["Evolution"]): Order[] {
  if (state === "running") return ["stop"];
  if (promoted !== null) return ["rollback"];
  return best === null ? [] : ["promote"];
}
