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

/** An address with some parts changed; what is empty goes away. */
export function withParts(
  query: URLSearchParams,
  parts: Record<string, string | undefined>,
): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(parts)) {
    if (value?.trim()) next.set(name, value.trim());
    else next.delete(name);
  }
  return next;
}
