// Named counters that outlive the call: the host keeps them, the plugin only asks.

import { Host, Memory } from "@extism/as-pdk";
import { error_set } from "@extism/as-pdk/lib/env";
import { Json, Kind, quote } from "./json";
import * as kv from "./kv";

const PREFIX = "count:";
const ATTEMPTS = 16;
const LARGEST: i64 = 9007199254740991; // what JSON readers hold exactly

/** {name, by = 1} -> {value}. Two callers at once lose no count: a write that comes second starts over. */
export function add(): i32 {
  const input = read();
  const key = keyOf(input);
  const by: i64 = input.get("by").isNull ? 1 : <i64>input.get("by").number;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const now = kv.get(key);
    if (refused(now)) return 1;
    const value = count(now) + by;
    if (value > LARGEST || value < -LARGEST) return fail("the counter is at its end; reset it");
    const done = kv.cas(key, now.get("version"), value.toString());
    if (refused(done)) return 1;
    if (done.get("swapped").isTrue) return answer(value);
  }
  return fail("too many callers change this counter; try again");
}

/** {name} -> {value}; 0 for a counter nobody added to. */
export function get(): i32 {
  const now = kv.get(keyOf(read()));
  return refused(now) ? 1 : answer(count(now));
}

/** {name} -> {value: 0} */
export function reset(): i32 {
  return refused(kv.remove(keyOf(read()))) ? 1 : answer(0);
}

/** {prefix = "", limit = 100, cursor = null} -> {counters: [{name, value}], cursor} */
export function list(): i32 {
  const input = read();
  const limit = input.get("limit").isNull ? 100 : <i32>input.get("limit").number;
  const page = kv.list(PREFIX + input.get("prefix").text, limit, input.get("cursor"));
  if (refused(page)) return 1;
  const keys = page.get("keys").items;
  const counters: string[] = [];
  for (let i = 0; i < keys.length; i++) {
    const now = kv.get(keys[i].text);
    if (refused(now)) return 1;
    const name = keys[i].text.substring(PREFIX.length);
    counters.push('{"name":' + quote(name) + ',"value":' + count(now).toString() + "}");
  }
  const cursor = page.get("cursor");
  const more = cursor.isNull ? "null" : quote(cursor.text);
  return output('{"counters":[' + counters.join(",") + '],"cursor":' + more + "}");
}

function read(): Json {
  const parsed = Json.parse(Host.inputString());
  return parsed === null ? new Json(Kind.Null) : parsed;
}

function keyOf(input: Json): string {
  return PREFIX + input.get("name").text;
}

function count(reply: Json): i64 {
  return reply.get("value").isNull ? 0 : I64.parseInt(reply.get("value").text);
}

/** Passes a refusal of the host on to the caller, with what to do about it. */
function refused(reply: Json): bool {
  const error = reply.get("error");
  if (error.isNull) return false;
  const remedy = error.get("remedy").text;
  fail(error.get("message").text + (remedy.length ? "; " + remedy : ""));
  return true;
}

function answer(value: i64): i32 {
  return output('{"value":' + value.toString() + "}");
}

function output(json: string): i32 {
  Host.output(Uint8Array.wrap(String.UTF8.encode(json)));
  return 0;
}

function fail(why: string): i32 {
  error_set(Memory.allocateString(why).offset);
  return 1;
}
