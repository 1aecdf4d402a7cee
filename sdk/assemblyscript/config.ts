// Made from specs/doors by `python -m sdk.generate`; change it there.
// Read the plugin's settings.

import { DoorError, Result, received, refusal, sent } from "./door";
import { Json } from "./json";

@external("extism:host/user", "config_get_v1")
declare function config_get_v1(request: u64): u64;

/** One setting, checked against the `[config]` schema of the manifest, defaults included. */
export function get(key: string): Result<Json> {
  const request = Json.object();
  request.set("key", Json.text(key));
  const block = sent(request);
  const reply = received(config_get_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Json>(error);
  return new Result<Json>(reply.get("value"), null);
}

/** All settings. */
export function all(): Result<Json> {
  const request = Json.object();
  const block = sent(request);
  const reply = received(config_get_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Json>(error);
  return new Result<Json>(reply.get("values"), null);
}
