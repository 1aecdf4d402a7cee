/** What rows of the record have to be; each is compared as a whole. */
export interface AuditFilter {
  actor?: string;
  action?: string;
  target?: string;
}

export const FILTERS = ["actor", "action", "target"] as const;

/** The filter that an address holds. */
export function filterOf(query: URLSearchParams): AuditFilter {
  const entries = FILTERS.map((name) => [name, query.get(name)?.trim() ?? ""] as const);
  return Object.fromEntries(entries.filter(([, value]) => value));
}

/** The row that an address opens. */
export function rowOf(query: URLSearchParams): number | undefined {
  const text = query.get("row") ?? "";
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

/** What a filter is in an address; what is empty goes away. */
export function partsOf(filter: AuditFilter): Record<string, string | undefined> {
  return Object.fromEntries(FILTERS.map((name) => [name, filter[name]?.trim() || undefined]));
}
