// How a request gets to a door and a reply back. The files of the doors, such as kv.ts, are made on top of it.

import { Memory } from "@extism/as-pdk";
import { length } from "@extism/as-pdk/lib/env";
import { Json } from "./json";
import { utf8 } from "./bytes";

/** Stands for an integer that is not there: AssemblyScript's own cannot be null. For numbers it is NaN. */
export const NONE: i64 = i64.MIN_VALUE;

/** What a door answers when it refuses or fails. */
export class DoorError {
  code: string = "";
  message: string = "";
  remedy: string = "";
  capability: string = "";
  resource: string = "";
  limit: string = "";

  /** The error in a reply, or null. */
  static in(reply: Json): DoorError | null {
    const found = reply.get("error");
    if (found.isNull) return null;
    const error = new DoorError();
    error.code = found.get("code").text;
    error.message = found.get("message").text;
    error.remedy = found.get("remedy").text;
    error.capability = found.get("capability").text;
    error.resource = found.get("resource").text;
    error.limit = found.get("limit").text;
    return error;
  }

  /** The message, and what to do about it. */
  toString(): string {
    return this.remedy.length > 0 ? this.message + "; " + this.remedy : this.message;
  }
}

/** What a door gives: `value`, or the error it refused with. */
export class Result<T> {
  constructor(
    private held: T,
    public readonly error: DoorError | null,
  ) {}

  /** The value. Where the door refused this ends the call, with the door's own words as its error. */
  get value(): T {
    const error = this.error;
    if (error !== null) throw new Error(error.toString());
    return this.held;
  }
}

/** A result without a value. */
export function refusal<T>(error: DoorError): Result<T> {
  if (isReference<T>()) return new Result<T>(changetype<T>(0), error);
  else return new Result<T>(<T>0, error);
}

/** A request in a block of the host. */
export function sent(request: Json): u64 {
  const data = utf8(request.toString());
  const block = Memory.allocate(data.length);
  block.store(data);
  return block.offset;
}

/** The reply; gives both blocks back, so that a plugin may call doors as often as it likes. */
export function received(reply: u64, request: u64): Json {
  const block = new Memory(reply, length(reply));
  const text = block.toString();
  block.free();
  new Memory(request, 0).free();
  const found = Json.parse(text);
  if (found === null) throw new Error("the host's reply is no JSON");
  return found;
}

export function writeNumbers(values: f64[]): Json {
  return Json.list(values.map<Json>((one: f64): Json => Json.number(one)));
}

export function readNumbers(json: Json): f64[] {
  return json.items.map<f64>((one: Json): f64 => one.number);
}

export function writeStrings(values: string[]): Json {
  return Json.list(values.map<Json>((one: string): Json => Json.text(one)));
}

export function readStrings(json: Json): string[] {
  return json.items.map<string>((one: Json): string => one.text);
}

export function writeTexts(values: Map<string, string>): Json {
  const object = Json.object();
  const names = values.keys();
  for (let i = 0; i < names.length; i++) object.set(names[i], Json.text(values.get(names[i])));
  return object;
}

export function readTexts(json: Json): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i < json.fields.length; i++) found.set(json.fields[i], json.get(json.fields[i]).text);
  return found;
}

/** A truth that may be left out: AssemblyScript's own cannot be null. */
export enum Flag {
  None = -1,
  No = 0,
  Yes = 1,
}

export function readFlag(json: Json): Flag {
  return json.isNull ? Flag.None : json.isTrue ? Flag.Yes : Flag.No;
}
