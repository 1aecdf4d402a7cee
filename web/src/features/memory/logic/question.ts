import { texts } from "@/shared/texts";

/** What is looked for, as it stands in the address. */
export interface Question {
  text: string;
  tiers: string[];
  owner: string;
  /** Seconds back from now; undefined at any time. */
  withinS: number | undefined;
}

export const HOST = "@host";
export const SHARED = "@shared";
const LONGEST = 2000;

/** Reads a question from the address; what makes no sense is left out. */
export function questionOf(params: URLSearchParams): Question {
  const within = params.get("within") ?? "";
  const tiers = (params.get("tiers") ?? "").split(",");
  return {
    text: (params.get("q") ?? "").trim().slice(0, LONGEST),
    tiers: [...new Set(tiers)].filter((tier) => Object.hasOwn(texts.memory.tiers, tier)),
    owner: params.get("owner") || HOST,
    withinS:
      within !== "any" && Object.hasOwn(texts.memory.search.spans, within) ? Number(within) : undefined,
  };
}

/** The members of the address that say it. */
export function paramsOf(question: Question): Record<string, string | undefined> {
  return {
    q: question.text || undefined,
    tiers: question.tiers.join(",") || undefined,
    owner: question.owner === HOST ? undefined : question.owner,
    within: question.withinS?.toString(),
  };
}
