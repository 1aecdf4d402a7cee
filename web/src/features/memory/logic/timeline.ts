import type { Schemas } from "@/shared/api/types";

type Fact = Schemas["Fact"];
type Memory = Schemas["Memory"];

/** A fact with the memory that states it, or a memory that states none. */
export interface Moment {
  key: string;
  /** Seconds since the epoch. */
  at: number;
  fact: Fact | undefined;
  memory: Memory | undefined;
}

/** All that is known of somebody, the oldest first. A memory that states facts stands with each of these. */
export function momentsOf({ facts, memories }: Schemas["MemoryEntity"]): Moment[] {
  const known = new Map(memories.map((memory) => [memory.id, memory]));
  const stated = new Set(facts.map((fact) => fact.memory));
  const moments: Moment[] = [
    ...facts.map((fact) => ({
      key: fact.id,
      at: fact.since,
      fact,
      memory: fact.memory == null ? undefined : known.get(fact.memory),
    })),
    ...memories
      .filter((memory) => !stated.has(memory.id))
      .map((memory) => ({ key: memory.id, at: memory.created_at, fact: undefined, memory })),
  ];
  return moments.sort((one, other) => one.at - other.at);
}

export type Standing = "holds" | "ended" | "ahead";

/** Whether a fact holds at a time, in seconds since the epoch. */
export function standingOf(fact: Fact, now: number): Standing {
  if (fact.until != null && fact.until <= now) return "ended";
  return fact.since > now ? "ahead" : "holds";
}

/** The name in an address; empty for what cannot be asked for, as `..`, which a browser takes for a way up. */
export function nameOf(params: URLSearchParams): string {
  const name = (params.get("name") ?? "").trim().slice(0, 200);
  return name === "." || name === ".." ? "" : name;
}
