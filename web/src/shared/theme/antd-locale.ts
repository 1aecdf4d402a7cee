import type { ConfigProviderProps } from "antd";

import { language } from "@/shared/language/language";

type Locale = ConfigProviderProps["locale"];

const LOCALES = {
  en: () => Promise.resolve({ default: undefined }), // antd speaks it
  de: () => import("antd/es/locale/de_DE"),
} satisfies Record<typeof language.texts, () => Promise<{ default: Locale }>>;

let loaded: Locale;

/** Loads what antd's own parts say, such as the months of a calendar. */
export async function loadAntdLocale(): Promise<void> {
  loaded = (await LOCALES[language.texts]()).default;
}

export function antdLocale(): Locale {
  return loaded;
}
