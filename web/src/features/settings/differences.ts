/** One member that is not what it was; `undefined` where it is not there. */
export interface Difference {
  /** `limits.timeout_s`, empty for the value as a whole. */
  path: string;
  before: unknown;
  after: unknown;
}

const MOST = 500;
const DEEPEST = 8;

/** What differs between two JSON values, member by member. Lists are compared as a whole. */
export function differences(before: unknown, after: unknown): Difference[] {
  const found: Difference[] = [];
  collect(before ?? undefined, after ?? undefined, "", 0, found);
  return found;
}

function collect(before: unknown, after: unknown, path: string, depth: number, found: Difference[]): void {
  if (found.length >= MOST) return;
  const isInside = isObject(before) || isObject(after);
  if (isInside && depth < DEEPEST && (isObject(before) || before === undefined)) {
    const old = isObject(before) ? before : {};
    if (isObject(after) || after === undefined) {
      const now = isObject(after) ? after : {};
      for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
        collect(own(old, key), own(now, key), path ? `${path}.${key}` : key, depth + 1, found);
      }
      return;
    }
  }
  if (!isSame(before, after)) found.push({ path, before, after });
}

function own(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
