import type { Area } from "@/shared/texts/load";

const AREAS: Record<string, Area> = {
  "": "home",
  plugins: "plugins",
  gallery: "plugins",
  workflows: "workflows",
  runs: "workflows",
  approvals: "workflows",
  searches: "workflows",
  tasks: "tasks",
  memory: "memory",
  connectors: "connectors",
  hosts: "hosts",
  events: "events",
  settings: "settings",
};

/** The texts of the page at this address, to be loaded beside the script of the console and not after it. */
export function firstArea(pathname: string, base: string): Area[] {
  const first = pathname.slice(base.length).split("/").filter(Boolean)[0] ?? "";
  return Object.hasOwn(AREAS, first) ? [AREAS[first] as Area] : [];
}
