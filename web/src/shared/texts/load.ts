import { type Messages, setupI18n } from "@lingui/core";

import { language } from "@/shared/language/language";

/** A text; one with values comes compiled from the build. A group of them; a list of either. */
export type Content = string | readonly Content[] | { readonly [name: string]: Content };
type Catalogue = Record<string, Content>;

/** What is loaded together: the frame, which every page has, and the texts of a feature. */
export type Area = keyof typeof ENGLISH;

const ENGLISH = {
  frame: () => import("./en/frame"),
  connectors: () => import("./en/connectors"),
  events: () => import("./en/events"),
  home: () => import("./en/home"),
  hosts: () => import("./en/hosts"),
  memory: () => import("./en/memory"),
  plugins: () => import("./en/plugins"),
  settings: () => import("./en/settings"),
  tasks: () => import("./en/tasks"),
  workflows: () => import("./en/workflows"),
  workflowsEditor: () => import("./en/workflows-editor"),
} satisfies Record<string, () => Promise<Catalogue>>;

const GERMAN = {
  frame: () => import("./de/frame"),
  connectors: () => import("./de/connectors"),
  events: () => import("./de/events"),
  home: () => import("./de/home"),
  hosts: () => import("./de/hosts"),
  memory: () => import("./de/memory"),
  plugins: () => import("./de/plugins"),
  settings: () => import("./de/settings"),
  tasks: () => import("./de/tasks"),
  workflows: () => import("./de/workflows"),
  workflowsEditor: () => import("./de/workflows-editor"),
} satisfies Record<Area, () => Promise<Catalogue>>;

const BY_LANGUAGE: Record<typeof language.texts, Record<Area, () => Promise<Catalogue>>> = {
  en: ENGLISH,
  de: GERMAN,
};

export const AREAS = Object.keys(ENGLISH) as Area[];

const i18n = setupI18n({
  locale: language.texts,
  locales: language.locale,
  messages: { [language.texts]: {} },
});
const loaded = new Map<string, Content>();

/** Loads the texts of areas in the language of the page. Modules that name them are imported afterwards. */
export async function loadTexts(...areas: Area[]): Promise<void> {
  const sources = BY_LANGUAGE[language.texts];
  const catalogues = await Promise.all(areas.map((area) => sources[area]()));
  for (const catalogue of catalogues)
    for (const [noun, content] of Object.entries(catalogue)) {
      if (!loaded.has(noun)) loaded.set(noun, said(noun, content));
    }
}

/** The texts of a noun, with which its area was loaded. */
export function textsOf(noun: string): Content {
  const content = loaded.get(noun);
  if (content === undefined)
    throw new Error(`the texts of ${noun} are not loaded: name its area in router.tsx`);
  return content;
}

const LISTS = new Intl.ListFormat(language.locale, { type: "conjunction" });
/** The name of a text with values: `rows(count: number)`. */
const WITH_VALUES = /^([^(]+)\((.*)\)$/;

/** A catalogue as pages use it: texts with values become functions. */
function said(path: string, content: Content): Content {
  if (typeof content === "string" || Array.isArray(content)) return content;
  const compiled: Messages = {};
  const shown = Object.entries(content).map(([name, one]) => {
    const [, short, values] = WITH_VALUES.exec(name) ?? [];
    if (short === undefined || values === undefined) return [name, said(`${path}.${name}`, one)];
    const id = `${path}.${short}`;
    compiled[id] = one as Messages[string];
    return [
      short,
      filled(
        id,
        values.split(", ").map((value) => value.split(":")[0] ?? ""),
      ),
    ];
  });
  i18n.load(language.texts, compiled);
  return Object.fromEntries(shown) as Content;
}

function filled(id: string, names: readonly string[]) {
  return (...values: (string | number | readonly string[])[]) => {
    // Whoever is called by `map` is given more than it asks for.
    const shown = names.map((name, place) => {
      const value = values[place];
      return [name, typeof value === "object" ? LISTS.format(value) : value];
    });
    return i18n._(id, Object.fromEntries(shown) as Record<string, unknown>);
  };
}
