/** The tabs of the page as they are in the address; the first one has the bare address. */
export const TABS = ["list", "dead-letters", "schedules", "queues", "alarms"] as const;

export type TabName = (typeof TABS)[number];

/** The tab of an address; undefined when there is none of that name. */
export function tabOf(name: string | undefined): TabName | undefined {
  return name === undefined ? "list" : TABS.find((tab) => tab === name);
}

export function pathOf(tab: TabName): string {
  return tab === "list" ? "/tasks" : `/tasks/${tab}`;
}
