import type { Schemas } from "@/shared/api/types";

export type Entry = Schemas["GalleryEntry"];

/** Where the gallery shows a plugin. */
export function entryPath(name: string): string {
  return `/gallery/${encodeURIComponent(name)}`;
}

/** What can be done with the newest version: nothing where it was revoked, or is here already. */
export function offerOf({ installed, newer, newest }: Entry): "install" | "update" | undefined {
  if (newest.revoked) return undefined;
  if (installed === null) return "install";
  return newer ? "update" : undefined;
}
