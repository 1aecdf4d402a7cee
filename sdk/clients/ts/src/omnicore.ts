import { search, type CallOptions } from "./client.js";
import { Operations } from "./operations.js";
import type { Event } from "./types.js";
import { messages } from "./websocket.js";

/** A line that a plugin logs. `at` counts seconds since the Unix epoch; `dropped` lines before it were let go. */
export interface LogLineOfPlugin {
  plugin: string;
  at: number;
  level: "trace" | "debug" | "info" | "warn" | "error";
  message: string;
  dropped: number;
}

/**
 * A client of one host, or of several behind a proxy.
 *
 * @example
 * const host = new OmniCore({ url: "http://127.0.0.1:8080", token });
 * const output = await host.callFunction("text", "count_vowels", new TextEncoder().encode("hello"));
 */
export class OmniCore extends Operations {
  /**
   * What happens on the host from now on, until the signal aborts or the loop is left. The topic is a pattern such as
   * `plugin.*`. A connection that breaks is an error: what happened meanwhile is lost to the stream, and `listEvents`
   * has it.
   */
  events(query: { topic?: string; run?: string } = {}, options: Pick<CallOptions, "signal"> = {}) {
    return this.stream<Event>(`/ws${search(query)}`, options.signal);
  }

  /** The last lines of a plugin's log and then those that come; without a plugin those of all that come. */
  pluginLog(
    query: { plugin?: string; level?: LogLineOfPlugin["level"]; lines?: number } = {},
    options: Pick<CallOptions, "signal"> = {},
  ) {
    return this.stream<LogLineOfPlugin>(`/ws/logs${search(query)}`, options.signal);
  }

  private async *stream<T>(path: string, signal: AbortSignal | undefined): AsyncGenerator<T, void, undefined> {
    for await (const text of messages(this.base + path, this.headers(), signal)) yield JSON.parse(text) as T;
  }
}
