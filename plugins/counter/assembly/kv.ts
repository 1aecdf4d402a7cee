// The kv door of the host: one import for each verb, a JSON request in, a JSON reply out.
// A reply is what was asked for, or {"error": {code, message, remedy, ...}}: a denial is a value, not a trap.

import { Memory } from "@extism/as-pdk";
import { length } from "@extism/as-pdk/lib/env";
import { Json, Kind, quote } from "./json";

@external("extism:host/user", "kv_get_v1")
declare function kv_get_v1(request: u64): u64;
@external("extism:host/user", "kv_cas_v1")
declare function kv_cas_v1(request: u64): u64;
@external("extism:host/user", "kv_delete_v1")
declare function kv_delete_v1(request: u64): u64;
@external("extism:host/user", "kv_list_v1")
declare function kv_list_v1(request: u64): u64;

export function get(key: string): Json {
  return reply(kv_get_v1(request('{"key":' + quote(key) + "}")));
}

/** Writes `value` if the key still has the version `expected`; null: if it does not exist yet. */
export function cas(key: string, expected: Json, value: string): Json {
  const version = expected.isNull ? "null" : (<i64>expected.number).toString();
  const fields = '{"key":' + quote(key) + ',"expected":' + version + ',"value":' + quote(value) + "}";
  return reply(kv_cas_v1(request(fields)));
}

export function remove(key: string): Json {
  return reply(kv_delete_v1(request('{"key":' + quote(key) + "}")));
}

export function list(prefix: string, limit: i32, cursor: Json): Json {
  const from = cursor.isNull ? "" : ',"cursor":' + quote(cursor.text);
  return reply(kv_list_v1(request('{"prefix":' + quote(prefix) + ',"limit":' + limit.toString() + from + "}")));
}

function request(json: string): u64 {
  return Memory.allocateString(json).offset;
}

function reply(block: u64): Json {
  const memory = new Memory(block, length(block));
  const parsed = Json.parse(memory.toString());
  memory.free();
  return parsed === null ? new Json(Kind.Null) : parsed;
}
