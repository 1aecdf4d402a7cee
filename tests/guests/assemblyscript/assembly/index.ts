// What plugins built with Extism's AssemblyScript kit do, one export for each: see the table in tests/guests/README.md.

import { Config, Host, LogLevel, Memory, Var } from "@extism/as-pdk";
import { error_set, http_request, length } from "@extism/as-pdk/lib/env";

@external("extism:host/user", "hello_world")
declare function hello_world(name: u64): u64;
@external("extism:host/env", "http_status_code")
declare function http_status_code(): i32;

export function echo(): i32 {
  Host.output(Host.input());
  return 0;
}

export function greet(): i32 {
  const greeting = Config.get("greeting");
  const before = Var.getString("total");
  const total = (before === null ? 0 : <i32>parseInt(before)) + Host.input().length;
  Var.set("total", utf8(total.toString()));
  output('{"greeting":"' + (greeting === null ? "Hello" : greeting) + '","total":' + total.toString() + "}");
  return 0;
}

export function fetch(): i32 {
  const request = '{"url":"' + Host.inputString() + '","headers":{"x-guest":"assemblyscript"}}';
  const body = text(http_request(Memory.allocateString(request).offset, 0));
  output('{"status":' + http_status_code().toString() + ',"body":"' + body + '"}');
  return 0;
}

export function log(): i32 {
  const text = Host.inputString();
  Host.log(LogLevel.Debug, "debug " + text);
  Host.log(LogLevel.Info, "info " + text);
  Host.log(LogLevel.Warn, "warn " + text);
  Host.log(LogLevel.Error, "error " + text);
  return 0;
}

export function fail(): i32 {
  error_set(Memory.allocateBytes(Host.input()).offset);
  return 1;
}

export function code(): i32 {
  return 7;
}

export function panics(): i32 {
  throw new Error(Host.inputString());
}

export function hello(): i32 {
  output(text(hello_world(Memory.allocateString(Host.inputString()).offset)));
  return 0;
}

export function forget(): i32 {
  Var.remove("total");
  return 0;
}

export function spin(): i32 {
  while (true) {}
}

/** Stands in for AssemblyScript's own `abort`. */
export function onAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  error_set(Memory.allocateString(message === null ? "abort" : message).offset);
  unreachable();
}

function text(block: u64): string {
  return new Memory(block, length(block)).toString();
}

function utf8(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function output(text: string): void {
  Host.output(utf8(text));
}
