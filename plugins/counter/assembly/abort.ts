import { Memory } from "@extism/as-pdk";
import { error_set } from "@extism/as-pdk/lib/env";

/** Stands in for AssemblyScript's own `abort`, which no Extism host provides. */
export function onAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  const place = (file === null ? "?" : file) + ":" + line.toString() + ":" + column.toString();
  error_set(Memory.allocateString("aborted: " + (message === null ? "" : message) + " (" + place + ")").offset);
  unreachable();
}
