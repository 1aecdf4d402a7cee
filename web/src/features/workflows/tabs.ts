/** The tabs of the page with their addresses. */
export const TABS = [
  { name: "list", path: "/workflows" },
  { name: "runs", path: "/runs" },
  { name: "approvals", path: "/approvals" },
  { name: "searches", path: "/searches" },
] as const;

export type TabName = (typeof TABS)[number]["name"];

/** The tab of an address. */
export function tabOf(path: string): TabName {
  return TABS.find((tab) => tab.path === path.replace(/\/+$/, ""))?.name ?? "list";
}
