/** Where something stands in the document, from the root. */
export type Path = readonly (string | number)[];

/** As the host writes it: `/do/0/fetch`. */
export function pointerOf(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The path of a pointer in a value, where only the value knows which parts are numbers. */
export function pathOf(value: unknown, pointer: string): Path {
  let at = value;
  return pointer
    .split("/")
    .slice(1)
    .map((raw) => {
      const name = raw.replaceAll("~1", "/").replaceAll("~0", "~");
      const part = Array.isArray(at) && /^\d+$/.test(name) ? Number(name) : name;
      at = memberOf(at, part);
      return part;
    });
}

export function memberOf(value: unknown, part: string | number): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
  return (value as Record<string | number, unknown>)[part];
}

/** The value at a path; undefined where there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce(memberOf, value);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]))
  );
}

/** A plain value with another one at a path; undefined takes it out. What is missing on the way is made. */
export function withValue(value: unknown, path: Path, next: unknown): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return next;
  const inner =
    rest.length > 0 || next !== undefined ? withValue(memberOf(value, part), rest, next) : undefined;
  if (Array.isArray(value)) {
    if (inner === undefined) return value.filter((_, index) => index !== part);
    const copy = [...(value as unknown[])];
    copy[Number(part)] = inner;
    return copy;
  }
  const members = isObject(value) ? value : {};
  if (inner !== undefined) return { ...members, [part]: inner };
  return Object.fromEntries(Object.entries(members).filter(([name]) => name !== String(part)));
}
