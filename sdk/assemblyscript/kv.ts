// Made from specs/doors by `python -m sdk.generate`; change it there.
// Keep keys and values between calls.

import { readBytes, writeBytes } from "./bytes";
import { DoorError, NONE, Result, readStrings, received, refusal, sent, writeStrings } from "./door";
import { Json } from "./json";

@external("extism:host/user", "kv_get_v1")
declare function kv_get_v1(request: u64): u64;
@external("extism:host/user", "kv_put_v1")
declare function kv_put_v1(request: u64): u64;
@external("extism:host/user", "kv_delete_v1")
declare function kv_delete_v1(request: u64): u64;
@external("extism:host/user", "kv_list_v1")
declare function kv_list_v1(request: u64): u64;
@external("extism:host/user", "kv_cas_v1")
declare function kv_cas_v1(request: u64): u64;

/** A value and its version. */
export class Entry {
  /** what was put */
  value: Uint8Array = new Uint8Array(0);
  /** changes with every write */
  version: i64 = 0;

  static from(json: Json): Entry {
    const made = new Entry();
    made.value = readBytes(json.get("value"));
    made.version = json.get("version").integer;
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("value", writeBytes(this.value));
    json.set("version", Json.integer(this.version));
    return json;
  }
}

/** Some of the keys. */
export class Page {
  /** in the order of their bytes */
  keys: string[] = [];
  /** for the next page; null after the last */
  cursor: string | null = null;

  static from(json: Json): Page {
    const made = new Page();
    made.keys = readStrings(json.get("keys"));
    made.cursor = json.get("cursor").isNull ? null : json.get("cursor").text;
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("keys", writeStrings(this.keys));
    const cursorValue = this.cursor;
    if (cursorValue !== null) json.set("cursor", Json.text(cursorValue));
    else json.set("cursor", Json.none());
    return json;
  }
}

/** What a conditional write did. */
export class Swap {
  /** whether the value was written */
  swapped: bool = false;
  /** the one that stands now; null when there is no value (NONE) */
  version: i64 = NONE;

  static from(json: Json): Swap {
    const made = new Swap();
    made.swapped = json.get("swapped").isTrue;
    made.version = json.get("version").isNull ? NONE : json.get("version").integer;
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("swapped", Json.boolean(this.swapped));
    if (this.version != NONE) json.set("version", Json.integer(this.version));
    else json.set("version", Json.none());
    return json;
  }
}

/** The value of a key, or nothing. */
export function get(key: string): Result<Entry | null> {
  const request = Json.object();
  request.set("key", Json.text(key));
  const block = sent(request);
  const reply = received(kv_get_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Entry | null>(error);
  if (reply.get("value").isNull && reply.get("version").isNull) return new Result<Entry | null>(null, null);
  return new Result<Entry | null>(Entry.from(reply), null);
}

/** What may be left out of put. */
export class PutOptions {
  /** seconds after which the value is gone; NaN leaves it out */
  ttlS: f64 = NaN;

  write(request: Json): void {
    if (!isNaN(this.ttlS)) request.set("ttl_s", Json.number(this.ttlS));
  }
}

/** Writes a value and returns its new version. */
export function put(key: string, value: Uint8Array, options: PutOptions | null = null): Result<i64> {
  const request = Json.object();
  request.set("key", Json.text(key));
  request.set("value", writeBytes(value));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(kv_put_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<i64>(error);
  return new Result<i64>(reply.get("version").integer, null);
}

/** Deletes a key; returns whether there was something. */
export function remove(key: string): Result<bool> {
  const request = Json.object();
  request.set("key", Json.text(key));
  const block = sent(request);
  const reply = received(kv_delete_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<bool>(error);
  return new Result<bool>(reply.get("deleted").isTrue, null);
}

/** What may be left out of list. */
export class ListOptions {
  /** how the keys begin */
  prefix: string | null = null;
  /** 1 to 1000; 100 when left out; NONE leaves it out */
  limit: i64 = NONE;
  /** of the page before */
  cursor: string | null = null;

  write(request: Json): void {
    const prefixValue = this.prefix;
    if (prefixValue !== null) request.set("prefix", Json.text(prefixValue));
    if (this.limit != NONE) request.set("limit", Json.integer(this.limit));
    const cursorValue = this.cursor;
    if (cursorValue !== null) request.set("cursor", Json.text(cursorValue));
  }
}

/** A page of keys, in the order of their bytes. */
export function list(options: ListOptions | null = null): Result<Page> {
  const request = Json.object();
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(kv_list_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Page>(error);
  return new Result<Page>(Page.from(reply), null);
}

/** What may be left out of cas. */
export class CasOptions {
  /** seconds after which the value is gone; NaN leaves it out */
  ttlS: f64 = NaN;

  write(request: Json): void {
    if (!isNaN(this.ttlS)) request.set("ttl_s", Json.number(this.ttlS));
  }
}

/** Writes only if the version is still the expected one, or with null only if the key does not exist. */
export function cas(key: string, expected: i64, value: Uint8Array, options: CasOptions | null = null): Result<Swap> {
  const request = Json.object();
  request.set("key", Json.text(key));
  if (expected != NONE) request.set("expected", Json.integer(expected));
  else request.set("expected", Json.none());
  request.set("value", writeBytes(value));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(kv_cas_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Swap>(error);
  return new Result<Swap>(Swap.from(reply), null);
}
