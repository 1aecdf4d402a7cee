import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { bytes, count } from "@/shared/ui/units";

import { useMemoryStatsQuery } from "../api/memory-stats";
import { useMemoryTiersQuery } from "../api/memory-tiers";
import styles from "./memory.module.css";
import { TierRow } from "./tier-row";

const GROUPS = ["working", "experience", "knowledge", "shared"] as const;

/** The twelve tiers in their four groups: how much is in each, and what it does with it. */
export function OverviewTab() {
  const stats = useMemoryStatsQuery();
  const tiers = useMemoryTiersQuery();
  const words = texts.memory;
  if (stats.isLoading || tiers.isLoading) return <Loading rows={8} />;
  if (!stats.data || !tiers.data) {
    const retry = () => {
      void stats.refetch();
      void tiers.refetch();
    };
    return <ProblemNotice problem={stats.error ?? tiers.error} onRetry={retry} />;
  }
  const { items, bytes: size, quarantined, embedder, problems, by_tier } = stats.data;
  return (
    <div className={styles["column"]}>
      <dl className={styles["figures"]}>
        <Figure name={words.items} value={count(items)} />
        <Figure name={words.size} value={bytes(size)} />
        <Figure name={words.waiting} value={count(quarantined)} />
        <Figure name={words.embedder} value={embedder ?? words.noEmbedder} />
      </dl>
      {problems.length > 0 && (
        <div role="status" className={styles["notice"]}>
          <strong>{words.problems}</strong>
          {problems.map((problem) => (
            <p key={problem}>{problem}</p>
          ))}
        </div>
      )}
      {GROUPS.map((group) => {
        const members = tiers.data?.items.filter((tier) => tier.group === group) ?? [];
        const total = members.reduce((sum, tier) => sum + (by_tier[tier.tier] ?? 0), 0);
        return (
          <Panel key={group} title={words.groups[group]?.title ?? group} extra={words.count(total)}>
            <p className={styles["lead"]}>{words.groups[group]?.lead}</p>
            <ul className={styles["tiers"]}>
              {members.map((tier) => (
                <TierRow key={tier.tier} tier={tier} used={by_tier[tier.tier] ?? 0} />
              ))}
            </ul>
          </Panel>
        );
      })}
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
