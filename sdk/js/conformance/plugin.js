// Takes `{door, verb, request}`, goes through the kit, and tells what came back as it travels.
import { describe, DoorError } from "omnicore";
import { VERBS } from "./dispatch.js";

const FIELDS = ["code", "remedy", "capability", "resource", "limit"];

export function door({ door, verb, request }) {
  const run = VERBS[door]?.[verb];
  if (run === undefined) throw new Error(`there is no ${door}.${verb}`);
  try {
    return { reply: run(request) };
  } catch (error) {
    if (!(error instanceof DoorError)) throw error;
    const told = Object.fromEntries(FIELDS.filter((name) => error[name] !== undefined).map((name) => [name, error[name]]));
    return { error: { message: error.fact, ...told } };
  }
}
describe(door, { description: "Asks a door by way of the kit.", input: { type: "object" }, output: { type: "object" } });
