// A function's input, output and error.
//
//   export function shout(): i32 {
//     return outputText(inputText().toUpperCase());
//   }

import { Host, Memory } from "@extism/as-pdk";
import { error_set } from "@extism/as-pdk/lib/env";
import { utf8 } from "./bytes";
import { DoorError } from "./door";
import { Json } from "./json";

export { Json, Kind, quote } from "./json";
export { DoorError, Flag, NONE, Result } from "./door";
export { textOf, utf8 } from "./bytes";

export function inputText(): string {
  return Host.inputString();
}

export function inputBytes(): Uint8Array {
  return Host.input();
}

/** The input as JSON. What is none ends the call; where plugin.toml has a schema, the host has looked before. */
export function inputJson(): Json {
  const found = Json.parse(Host.inputString());
  if (found === null) throw new Error("the input is no JSON");
  return found;
}

export function outputText(text: string): i32 {
  return outputBytes(utf8(text));
}

export function outputBytes(bytes: Uint8Array): i32 {
  if (bytes.length > 0) Host.output(bytes);
  return 0;
}

export function outputJson(json: Json): i32 {
  return outputText(json.toString());
}

/** Makes the call fail with this text: `return fail("the name is blank")`. */
export function fail(message: string): i32 {
  error_set(Memory.allocateString(message).offset);
  return 1;
}

/** Hands what a door refused on to the caller, with what to do about it. */
export function refuse(error: DoorError): i32 {
  return fail(error.toString());
}
