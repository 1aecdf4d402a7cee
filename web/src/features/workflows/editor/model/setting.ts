import { setValue } from "./edit";
import { isObject, type Path, valueAt } from "./path";
import { read } from "./source";

/** What is left out when nothing is in it any more. */
const OPTIONAL = new Set(["host", "input", "output", "export", "timeout", "with"]);

/** A value of a task or trigger; an empty one goes, and what only held it goes too. */
export function setField(text: string, base: Path, path: Path, value: unknown): string {
  if (value !== undefined && value !== "") return setValue(text, [...base, ...path], value);
  const whole = read(text).value;
  if (valueAt(whole, [...base, ...path]) === undefined) return text;
  let length = path.length;
  while (length > 1 && mayGo(path.slice(0, length - 1))) {
    const holder = valueAt(whole, [...base, ...path.slice(0, length - 1)]);
    if (!isObject(holder) || Object.keys(holder).length > 1) break;
    length -= 1;
  }
  return setValue(text, [...base, ...path.slice(0, length)], undefined);
}

/** An approval stays one, also without a word in it. */
function mayGo(path: Path): boolean {
  return (
    OPTIONAL.has(String(path[0])) &&
    !(path.length === 2 && path[1] === "approval") &&
    !(path.length === 1 && path[0] === "with")
  );
}
