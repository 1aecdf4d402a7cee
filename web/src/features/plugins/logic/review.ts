import type { Schemas } from "@/shared/api/types";

export type Plugin = Schemas["Plugin"];
export type Tab =
  "overview" | "functions" | "permissions" | "upgrade" | "config" | "logs" | "versions" | "rollout";

/** Whether what lies in the folder is not what answers calls, or waits to be accepted. */
export function hasUpgrade(plugin: Plugin): boolean {
  const isOther = Boolean(plugin.serving && plugin.hash && plugin.serving !== plugin.hash);
  return plugin.trust === "sandboxed" && (plugin.state === "needs-review" || isOther);
}

/** Where what is to be decided about a plugin is decided; undefined when nothing is. */
export function reviewTab(plugin: Plugin): Tab | undefined {
  if (plugin.state !== "needs-grant" && plugin.state !== "needs-review") return undefined;
  return hasUpgrade(plugin) ? "upgrade" : "permissions";
}

/** Where a plugin's page is; names of rejected files may hold anything. */
export function pluginPath(name: string, tab?: Tab): string {
  const path = `/plugins/${encodeURIComponent(name)}`;
  return tab === undefined || tab === "overview" ? path : `${path}/${tab}`;
}

/** Whether the host shows a plugin of this name by itself: an address cannot carry a slash in a name. */
export function hasPage(name: string): boolean {
  return !name.includes("/") && name !== "." && name !== "..";
}
