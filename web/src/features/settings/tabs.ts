import type { Role } from "@/shared/api/session";
import type { texts } from "@/shared/texts";

export type TabName = keyof typeof texts.settings.tabs;

interface Tab {
  name: TabName;
  /** The least role that sees it. */
  needs: Role;
}

export const TABS: readonly Tab[] = [
  { name: "configuration", needs: "admin" },
  { name: "users", needs: "admin" },
  { name: "tokens", needs: "nobody" },
  { name: "sessions", needs: "nobody" },
  { name: "audit", needs: "admin" },
  { name: "machine", needs: "viewer" },
  { name: "backup", needs: "admin" },
  { name: "diagnostics", needs: "admin" },
];

/** The tab that an address names; without one the first that one may see. Undefined for a name that is no tab. */
export function tabOf(name: string | undefined, allowed: readonly Tab[]): Tab | undefined {
  return name === undefined ? allowed[0] : TABS.find((tab) => tab.name === name);
}
