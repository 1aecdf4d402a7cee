import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";

/** What a part of a score comes from; each has a colour. */
export type Kind = "meaning" | "words" | "talk" | "weight";

const KINDS: Record<string, Kind> = {
  given: "meaning",
  turn: "meaning",
  pair: "meaning",
  words: "words",
  window: "words",
  speaker: "talk",
  session: "talk",
  importance: "weight",
  recency: "weight",
};

const SCORE = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Signals behind the score, which are no parts of the rank. */
const RAW = new Set(["rank", "cosine", "covered", "around"]);

export interface ScorePart {
  name: string;
  label: string;
  kind: Kind;
  /** Within its kind, 0 for the first: the next ones are paler. */
  shade: number;
  value: number;
}

/** The parts of a score that count for something, those of one kind beside each other. */
export function partsOf(explain: Record<string, number> | undefined): ScorePart[] {
  const known = Object.keys(KINDS);
  const given = Object.entries(explain ?? {}).filter(([name, value]) => value > 0 && !RAW.has(name));
  const order = (name: string) => (known.includes(name) ? known.indexOf(name) : known.length);
  given.sort(([one], [other]) => order(one) - order(other) || one.localeCompare(other));
  const seen: Partial<Record<Kind, number>> = {};
  return given.map(([name, value]) => {
    const kind = Object.hasOwn(KINDS, name) ? (KINDS[name] ?? "weight") : "weight";
    const shade = seen[kind] ?? 0;
    seen[kind] = shade + 1;
    return { name, label: labelOf(name), kind, shade, value };
  });
}

/** `0.82`, and `<0.01` for what is there but hardly. */
export function scored(value: number): string {
  return value > 0 && value < 0.005 ? `<${SCORE.format(0.01)}` : SCORE.format(value);
}

function labelOf(name: string): string {
  return Object.hasOwn(texts.memory.score.parts, name) ? (texts.memory.score.parts[name] ?? name) : name;
}
