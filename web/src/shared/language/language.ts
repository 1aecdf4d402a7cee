/** A language of the console: its name in itself, the locale of its dates and numbers, and the way it is written. */
export interface Language {
  name: string;
  locale: string;
  dir: "ltr" | "rtl";
  /** Whose texts it shows. */
  texts: "en" | "de";
}

/** The languages to choose from, by their tag. */
const LANGUAGES = {
  en: { name: "English", locale: "en-GB", dir: "ltr", texts: "en" },
  de: { name: "Deutsch", locale: "de-DE", dir: "ltr", texts: "de" },
} as const satisfies Record<string, Language>;

/**
 * English from right to left, to see whether pages can be mirrored before there is such a language. No menu has it:
 * `localStorage.setItem("omnicore-language", "ar-XB")` chooses it. The tag is Unicode's for this.
 */
const MIRRORED: Language = { name: "Mirrored", locale: "en-GB", dir: "rtl", texts: "en" };

/** The languages that menus offer. */
export const CHOICES = Object.entries(LANGUAGES).map(([key, { name }]) => ({ tag: key as Tag, name }));

export type Tag = keyof typeof LANGUAGES | "ar-XB";

const KEPT = "omnicore-language";

const isTag = (tag: string): tag is Tag => tag === "ar-XB" || Object.hasOwn(LANGUAGES, tag);

/** The kept choice, or the first language of the browser that the console has, or English. */
export function chosen(kept: string | null, preferred: readonly string[]): Tag {
  if (kept !== null && isTag(kept)) return kept;
  for (const one of preferred) {
    const short = one.toLowerCase().split("-")[0] ?? "";
    if (isTag(short)) return short;
  }
  return "en";
}

function kept(): string | null {
  try {
    return window.localStorage.getItem(KEPT);
  } catch {
    return null; // storage can be forbidden
  }
}

/** The language of this page; another one is chosen by loading the page again. */
export const tag: Tag = chosen(kept(), navigator.languages);

export const language: Language = tag === "ar-XB" ? MIRRORED : LANGUAGES[tag];

/** The locale of dates, numbers and lists. */
export const { locale } = language;

/** Shows the console in another language: remembered, then loaded again. Drafts are kept in the browser. */
export function choose(next: Tag): void {
  try {
    window.localStorage.setItem(KEPT, next);
  } catch {
    return; // without storage the browser's language stays
  }
  window.location.reload();
}

/** Tells the browser which language the page is in: how it is read out, hyphenated, mirrored and not translated. */
export function markPage(): void {
  document.documentElement.lang = language.texts;
  document.documentElement.dir = language.dir;
}
