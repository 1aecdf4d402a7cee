// Made from specs/doors by `python -m sdk.generate`; change it there.
// Publish events.

import { DoorError, Result, received, refusal, sent } from "./door";
import { Json } from "./json";

@external("extism:host/user", "events_publish_v1")
declare function events_publish_v1(request: u64): u64;

/** Hands an event to whoever subscribed; returns its id. At most 100 a second. */
export function publish(topic: string, data: Json): Result<string> {
  const request = Json.object();
  request.set("topic", Json.text(topic));
  request.set("data", data);
  const block = sent(request);
  const reply = received(events_publish_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<string>(error);
  return new Result<string>(reply.get("id").text, null);
}
