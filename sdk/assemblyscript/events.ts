// Made from specs/doors by `python -m sdk.generate`; change it there.
// Publish events and hear them.

import { DoorError, Result, received, refusal, sent } from "./door";
import { Json } from "./json";

@external("extism:host/user", "events_publish_v1")
declare function events_publish_v1(request: u64): u64;
@external("extism:host/user", "events_subscribe_v1")
declare function events_subscribe_v1(request: u64): u64;
@external("extism:host/user", "events_unsubscribe_v1")
declare function events_unsubscribe_v1(request: u64): u64;
@external("extism:host/user", "events_subscriptions_v1")
declare function events_subscriptions_v1(request: u64): u64;

/** A function of the plugin that hears a topic. */
export class Subscription {
  /** given by the host */
  id: string = "";
  /** the pattern */
  topic: string = "";
  /** which is called with each event */
  functionName: string = "";

  static from(json: Json): Subscription {
    const made = new Subscription();
    made.id = json.get("id").text;
    made.topic = json.get("topic").text;
    made.functionName = json.get("function").text;
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("id", Json.text(this.id));
    json.set("topic", Json.text(this.topic));
    json.set("function", Json.text(this.functionName));
    return json;
  }
}

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

/** Lets the host call a function of this plugin with each event; the same again is the same one. */
export function subscribe(topic: string, functionName: string): Result<string> {
  const request = Json.object();
  request.set("topic", Json.text(topic));
  request.set("function", Json.text(functionName));
  const block = sent(request);
  const reply = received(events_subscribe_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<string>(error);
  return new Result<string>(reply.get("id").text, null);
}

/** Ends a subscription; returns whether there was one. */
export function unsubscribe(id: string): Result<bool> {
  const request = Json.object();
  request.set("id", Json.text(id));
  const block = sent(request);
  const reply = received(events_unsubscribe_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<bool>(error);
  return new Result<bool>(reply.get("removed").isTrue, null);
}

/** All subscriptions of this plugin, oldest first. */
export function subscriptions(): Result<Subscription[]> {
  const request = Json.object();
  const block = sent(request);
  const reply = received(events_subscriptions_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Subscription[]>(error);
  return new Result<Subscription[]>(reply.get("items").items.map<Subscription>((one: Json): Subscription => Subscription.from(one)), null);
}
