const MOST = 1024 * 1024;
const MOST_DEPTH = 100;

/** The value of a JSON text; undefined for what is none, too long or too deep to be drawn. */
export function readJson(text: string): { value: unknown } | undefined {
  if (text.length > MOST || isDeep(text)) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

function isDeep(text: string): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (inText) {
      if (one === "\\") at += 1;
      else if (one === '"') inText = false;
    } else if (one === '"') inText = true;
    else if (one === "[" || one === "{") depth += 1;
    else if (one === "]" || one === "}") depth -= 1;
    if (depth > MOST_DEPTH) return true;
  }
  return false;
}
