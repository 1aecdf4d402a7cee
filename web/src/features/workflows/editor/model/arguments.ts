import { armsOf, emptyArmAt } from "./arms";
import { isObject, type Path, pointerOf, valueAt } from "./path";
import { listOf } from "./tasks";
import { type Offer, offerOf } from "./templates";

/** What is known of the data at a place: what kind it is, or which members it has. */
export type Known = { path: string; type: string } | { path: string; members: ReadonlyMap<string, string> };

const ANY = "";

/** The data that a step at this place is given, as far as the step before says. */
export function knownAt(
  value: unknown,
  list: Path,
  index: number,
  offers: readonly Offer[],
): Known | undefined {
  const items = valueAt(value, list);
  const before: unknown = Array.isArray(items) && index > 0 ? items[index - 1] : undefined;
  if (before === undefined) return firstIn(value, list, offers);
  const task = isObject(before) ? Object.values(before)[0] : undefined;
  if (!isObject(task) || valueAt(task, ["output", "as"]) !== undefined) return undefined;
  if (isObject(task["set"])) {
    return { path: ".", members: new Map(Object.keys(task["set"]).map((name) => [name, ANY])) };
  }
  const ref = task["call"];
  return typeof ref === "string" ? ofSchema(".", offerOf(offers, ref)?.output) : undefined;
}

/** The decision whose arm a list is. */
function armAround(value: unknown, list: Path): Path | undefined {
  const decision = list.slice(0, -4);
  const arms = decision.length > 0 ? armsOf(valueAt(value, decision), decision) : undefined;
  return arms?.some((arm) => pointerOf(arm.list) === pointerOf(list)) ? decision : undefined;
}

/** The decision whose arm has no steps yet, or the `switch` that has its arms behind it. */
function emptyArmAround(value: unknown, list: Path): Path | undefined {
  const found = emptyArmAt(list)?.decision;
  return found && (armsOf(valueAt(value, found), found) ? found : list.slice(0, -4));
}

/** A loop's first step is given its item, the first step of all the run's input. */
function firstIn(value: unknown, list: Path, offers: readonly Offer[]): Known | undefined {
  const decision = emptyArmAround(value, list) ?? armAround(value, list);
  if (decision) {
    const { list: around, index } = listOf(decision);
    return knownAt(value, around, index, offers);
  }
  const holder = valueAt(value, list.slice(0, -1));
  if (isObject(holder) && isObject(holder["for"])) {
    const { each } = holder["for"];
    return { path: `$${typeof each === "string" && each ? each : "item"}`, type: ANY };
  }
  const isFirst = list.length === 1;
  return isFirst ? ofSchema(".", valueAt(value, ["input", "schema", "document"])) : undefined;
}

function ofSchema(path: string, schema: unknown): Known | undefined {
  if (!isObject(schema)) return undefined;
  const { type, properties } = schema;
  if (!isObject(properties)) return typeof type === "string" ? { path, type } : undefined;
  const members = Object.entries(properties).map(([name, inner]) => {
    const own = isObject(inner) ? inner["type"] : undefined;
    return [name, typeof own === "string" ? own : ANY] as const;
  });
  return { path, members: new Map(members) };
}

/** What a new call is given: members of the data that fit by name and kind. */
export function argumentsOf(input: unknown, known: Known | undefined): unknown {
  if (!isObject(input) || !known) return undefined;
  const { properties, required } = input;
  if (isObject(properties)) {
    const needed = Array.isArray(required) ? required.map(String) : [];
    const names = needed.filter((name) => "members" in known && known.members.has(name));
    if (names.length > 0) return Object.fromEntries(names.map((name) => [name, memberOf(known.path, name)]));
    const [only] = needed;
    const isWhole = "type" in known && only !== undefined && needed.length === 1;
    return isWhole && fits(known.type, valueAt(properties, [only, "type"]))
      ? { [only]: `\${ ${known.path} }` }
      : undefined;
  }
  if (typeof input["type"] !== "string") return undefined;
  if ("type" in known) return fits(known.type, input["type"]) ? `\${ ${known.path} }` : undefined;
  const fitting = [...known.members].filter(([, type]) => type === input["type"]);
  const [first] = fitting.length > 0 ? fitting : known.members.size === 1 ? [...known.members] : [];
  return first && fits(first[1], input["type"]) ? memberOf(known.path, first[0]) : undefined;
}

const fits = (given: string, wanted: unknown) => given === ANY || given === wanted;
const PLAIN = /^[A-Za-z_]\w*$/;

function memberOf(path: string, name: string): string {
  const base = path === "." ? "" : path;
  return PLAIN.test(name) ? `\${ ${base}.${name} }` : `\${ ${base || "."}[${JSON.stringify(name)}] }`;
}
