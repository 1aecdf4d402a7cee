import { isObject } from "./path";

export const WAYS = ["one", "any", "all"] as const;
export type Way = (typeof WAYS)[number];

/** Which events are meant, and what a run's own events have in common. */
export interface Filter {
  type: string;
  source: string;
  /** Other members of an event, each a value or a condition. */
  others: Record<string, unknown>;
  correlate: readonly Correlation[];
}

export interface Correlation {
  name: string;
  from: string;
  expect: string;
}

export interface Filters {
  way: Way;
  filters: readonly Filter[];
  /** What is said beside the filters, such as `until`. */
  rest: Record<string, unknown>;
}

const textOf = (value: unknown) => (typeof value === "string" ? value : "");

function filterOf(value: unknown): Filter | undefined {
  if (!isObject(value) || !isObject(value["with"])) return undefined;
  const { type, source, ...others } = value["with"];
  if ([type, source].some((one) => one !== undefined && typeof one !== "string")) return undefined;
  const { correlate = {} } = value;
  if (!isObject(correlate) || Object.values(correlate).some((one) => !isObject(one))) return undefined;
  if (Object.keys(value).some((name) => !["with", "correlate"].includes(name))) return undefined;
  return {
    ...{ type: textOf(type), source: textOf(source), others },
    correlate: Object.entries(correlate).map(([name, one]) => {
      const { from, expect } = one as Record<string, unknown>;
      return { name, from: textOf(from), expect: textOf(expect) };
    }),
  };
}

/** What is listened to, as a form shows it; undefined where only YAML will do. */
export function filtersOf(value: unknown): Filters | undefined {
  if (!isObject(value)) return value === undefined ? { way: "one", filters: [], rest: {} } : undefined;
  const way = WAYS.find((name) => value[name] !== undefined);
  const bare = filterOf(value);
  if (bare) return { way: "one", filters: [bare], rest: {} };
  if (!way) return undefined;
  const { [way]: given, ...rest } = value;
  const list: unknown[] = way === "one" ? [given] : Array.isArray(given) ? given : [undefined];
  const filters = list.map(filterOf);
  return filters.every((one) => one !== undefined) ? { way, filters, rest } : undefined;
}

function written({ type, source, others, correlate }: Filter): unknown {
  return {
    with: { ...(type && { type }), ...(source && { source }), ...others },
    ...(correlate.length > 0 && {
      correlate: Object.fromEntries(
        correlate.map(({ name, from, expect }) => [name, { from, ...(expect && { expect }) }]),
      ),
    }),
  };
}

/** The other way round. Only one event is as it is; several need a word for how many. */
export function filtersText({ way, filters, rest }: Filters): unknown {
  const list = filters.map(written);
  return way === "one" && list.length === 1
    ? { one: list[0] }
    : { [way === "one" ? "any" : way]: list, ...rest };
}
