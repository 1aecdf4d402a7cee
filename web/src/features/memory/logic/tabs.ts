import type { texts } from "@/shared/texts";

export type TabName = keyof typeof texts.memory.tabs;

export const TABS: readonly TabName[] = ["overview", "search", "about", "list", "quotas"];

/** The tab that an address names, the first one without a name; undefined for a name that is no tab. */
export function tabOf(name: string | undefined): TabName | undefined {
  return name === undefined ? TABS[0] : TABS.find((tab) => tab === name);
}
