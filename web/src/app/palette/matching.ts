/** Something that the palette finds. */
export interface Target {
  id: string;
  group: "pages" | "workflows" | "plugins" | "actions";
  label: string;
  /** Shown behind the label, and searched too. */
  hint?: string;
  run: () => void;
}

/** How well a text is what was typed: 0 is not at all; begins with it, has a word of it, has it inside, has its letters. */
export function score(text: string, typed: string): number {
  const where = text.toLowerCase();
  const what = typed.trim().toLowerCase();
  if (!what) return 1;
  if (where.startsWith(what)) return 4;
  if (where.includes(` ${what}`) || where.includes(`-${what}`)) return 3;
  if (where.includes(what)) return 2;
  let at = -1;
  for (const letter of what) {
    at = where.indexOf(letter, at + 1);
    if (at < 0) return 0;
  }
  return 1;
}

/** The best targets first; those that are as good stay in their order. */
export function matching(targets: readonly Target[], typed: string, most: number): Target[] {
  return targets
    .map((target) => ({
      target,
      points: Math.max(score(target.label, typed), score(target.hint ?? "", typed) - 1),
    }))
    .filter(({ points }) => points > 0)
    .sort((one, other) => other.points - one.points)
    .slice(0, most)
    .map(({ target }) => target);
}
