import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { count, span } from "@/shared/ui/units";

type Tier = Schemas["MemoryTier"];

/** The name of a tier as people read it. */
export function tierName(tier: string): string {
  return Object.hasOwn(texts.memory.tiers, tier) ? (texts.memory.tiers[tier] ?? tier) : tier;
}

/** The name of an owner as people read it. */
export function ownerName(owner: string): string {
  return Object.hasOwn(texts.memory.owners, owner) ? (texts.memory.owners[owner] ?? owner) : owner;
}

/** What a tier does with its memories, in words. */
export function policyWords(tier: Tier): string[] {
  const words = texts.memory.policy;
  return [
    tier.ttl_s == null ? words.forever : words.kept(span(tier.ttl_s)),
    ...(tier.half_life_s == null ? [] : [words.half(span(tier.half_life_s))]),
    ...goesOn(tier),
    (tier.shared ? words.capShared : words.cap)(count(tier.cap)),
    tier.evicts ? words.evicts : words.refuses,
    words.writers[tier.writer] ?? tier.writer,
  ];
}

function goesOn(tier: Tier): string[] {
  const words = texts.memory.policy;
  if (tier.promote_to == null) return [];
  const to = tierName(tier.promote_to).toLowerCase();
  if (tier.promote_at == null) return [words.promotesKept(to)];
  const from = count(tier.promote_at);
  return [
    tier.promote_hits == null ? words.promotes(to, from) : words.promotesHits(to, from, tier.promote_hits),
  ];
}
