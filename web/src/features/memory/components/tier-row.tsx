import { Link } from "react-router";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { count } from "@/shared/ui/units";

import { policyWords, tierName } from "../logic/policy";
import styles from "./memory.module.css";
import { UseBar } from "./use-bar";

interface Props {
  tier: Schemas["MemoryTier"];
  used: number;
}

/** A tier: its name, how much is in it, and its policy in words. */
export function TierRow({ tier, used }: Props) {
  const name = tierName(tier.tier);
  const to = `/memory/list?${new URLSearchParams({ tier: tier.tier }).toString()}`;
  return (
    <li>
      <div>
        <h3>{name}</h3>
        <p>{tier.purpose}</p>
      </div>
      <ul className={styles["policy"]}>
        {policyWords(tier).map((word) => (
          <li key={word}>{word}</li>
        ))}
      </ul>
      <div className={styles["amount"]}>
        <Link to={to} aria-label={texts.memory.showTier(name, used)}>
          {texts.memory.count(used)}
        </Link>
        <UseBar label={texts.memory.capOf(count(used), count(tier.cap))} used={used} most={tier.cap} />
      </div>
    </li>
  );
}
