import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";

import { tierName } from "./policy";

type Edge = Schemas["MemoryEdge"];

export interface Related {
  key: string;
  /** What the shown memory has to do with it. */
  words: string;
  /** The other memory; undefined where the edge tells of the memory itself. */
  other: string | undefined;
}

const MOVED = /^tier:(\d{1,2})$/;

/** An edge as seen from one of its ends. */
export function relatedOf(edge: Edge, shown: string): Related {
  const key = `${edge.from} ${edge.relation} ${edge.to}`;
  const [from, to] = [MOVED.exec(edge.to), MOVED.exec(edge.note)];
  if (from && to) {
    return { key, words: texts.memory.detail.moved(tierAt(from[1]), tierAt(to[1])), other: undefined };
  }
  const isOut = edge.from === shown;
  const known = Object.hasOwn(texts.memory.detail.relations, edge.relation)
    ? texts.memory.detail.relations[edge.relation]
    : undefined;
  const words = known?.[isOut ? 0 : 1] ?? edge.relation.replaceAll("_", " ");
  return { key, words, other: isOut ? edge.to : edge.from };
}

function tierAt(place: string | undefined): string {
  return tierName(Object.keys(texts.memory.tiers)[Number(place)] ?? String(place)).toLowerCase();
}
