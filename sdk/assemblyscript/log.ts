// Made from specs/doors by `python -m sdk.generate`; change it there.
// Write to the plugin's log.

import { DoorError, received, sent } from "./door";
import { Json } from "./json";

@external("extism:host/user", "log_write_v1")
declare function log_write_v1(request: u64): u64;

/** How much a line matters. */
export abstract class Level {
  static readonly Trace: string = "trace";
  static readonly Debug: string = "debug";
  static readonly Info: string = "info";
  static readonly Warn: string = "warn";
  static readonly Error: string = "error";
}

/** What may be left out of write. */
export class WriteOptions {
  /** facts about it */
  fields: Json | null = null;

  write(request: Json): void {
    const fieldsValue = this.fields;
    if (fieldsValue !== null) request.set("fields", fieldsValue);
  }
}

/** Writes a line, with its fields as `key=value` after the message. A line is cut at 8 KiB. */
export function write(level: string, message: string, options: WriteOptions | null = null): DoorError | null {
  const request = Json.object();
  request.set("level", Json.text(level));
  request.set("message", Json.text(message));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(log_write_v1(block), block);
  return DoorError.in(reply);
}
