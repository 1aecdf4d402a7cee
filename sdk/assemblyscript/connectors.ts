// Made from specs/doors by `python -m sdk.generate`; change it there.
// Use the services the host is connected to.

import { DoorError, Result, readStrings, received, refusal, sent, writeStrings } from "./door";
import { Json } from "./json";

@external("extism:host/user", "connectors_list_v1")
declare function connectors_list_v1(request: u64): u64;
@external("extism:host/user", "connectors_call_v1")
declare function connectors_call_v1(request: u64): u64;

/** A service the host is connected to. Its credentials never reach a plugin. */
export class Connector {
  /** chosen by the operator */
  name: string = "";
  /** such as `http`, `postgresql`, `github` */
  kind: string = "";
  /** what it can do and the plugin may ask for */
  actions: string[] = [];

  static from(json: Json): Connector {
    const made = new Connector();
    made.name = json.get("name").text;
    made.kind = json.get("kind").text;
    made.actions = readStrings(json.get("actions"));
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("name", Json.text(this.name));
    json.set("kind", Json.text(this.kind));
    json.set("actions", writeStrings(this.actions));
    return json;
  }
}

/** The connectors the plugin may use. */
export function list(): Result<Connector[]> {
  const request = Json.object();
  const block = sent(request);
  const reply = received(connectors_list_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Connector[]>(error);
  return new Result<Connector[]>(reply.get("connectors").items.map<Connector>((one: Json): Connector => Connector.from(one)), null);
}

/** What may be left out of call. */
export class CallOptions {
  /** what the action takes, at most 1 MiB */
  input: Json | null = null;

  write(request: Json): void {
    const inputValue = this.input;
    if (inputValue !== null) request.set("input", inputValue);
  }
}

/** Lets a connector do something and returns what came of it. */
export function call(connector: string, action: string, options: CallOptions | null = null): Result<Json> {
  const request = Json.object();
  request.set("connector", Json.text(connector));
  request.set("action", Json.text(action));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(connectors_call_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Json>(error);
  return new Result<Json>(reply.get("output"), null);
}
