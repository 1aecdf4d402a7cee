const MOST = 200;

/** A JSON value in one line, cut where it is long. */
export function preview(data: unknown): string {
  const text = data === undefined || data === null ? "" : JSON.stringify(data);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
