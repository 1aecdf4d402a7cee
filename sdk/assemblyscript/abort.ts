// What happens when an error is thrown. Settings of the compiler name it: `"use": ["abort=sdk/abort/onAbort"]`.

import { Memory } from "@extism/as-pdk";
import { error_set } from "@extism/as-pdk/lib/env";

/** Stands in for AssemblyScript's own `abort`: the error reaches the caller as text. */
export function onAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  const place = (file === null ? "?" : file) + ":" + line.toString() + ":" + column.toString();
  error_set(Memory.allocateString((message === null ? "aborted" : message) + " (" + place + ")").offset);
  unreachable();
}
