import type { Role } from "@/shared/api/session";

/** A line of the form: a plugin and the role for it. */
export interface PluginRole {
  plugin: string;
  role: Role;
}

/** The lines of what the API has. */
export function linesOf(plugins: Record<string, Role>): PluginRole[] {
  return Object.entries(plugins).map(([plugin, role]) => ({ plugin, role }));
}

/** What the API takes; lines without a plugin are left out, and of two for one plugin the later counts. */
export function rolesOf(lines: readonly PluginRole[]): Record<string, Role> {
  const named = lines.filter((line) => line.plugin.trim());
  return Object.fromEntries(named.map((line) => [line.plugin.trim(), line.role]));
}
