import type { Page } from "./types";

/** The options of a `build.infiniteQuery` over a list that is read by cursor. */
export const cursorPages = {
  initialPageParam: null as string | null,
  getNextPageParam: (last: Page<unknown>) => last.next ?? undefined,
};

/** The rows of all the pages that are loaded. */
export function rowsOf<Item>(data: { pages: Page<Item>[] } | undefined): Item[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}

/** Query parameters without those that are not set; the cursor is the page's. */
export function pageParams(
  cursor: string | null,
  limit: number,
  filter: Record<string, string | number | undefined> = {},
): Record<string, string | number> {
  const entries = Object.entries({ ...filter, limit, cursor: cursor ?? undefined });
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string | number] => entry[1] !== undefined && entry[1] !== ""),
  );
}
