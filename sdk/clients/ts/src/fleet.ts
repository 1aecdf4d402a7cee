import { errors, headers, type Msg, type NatsConnection } from "@nats-io/nats-core";
import { OmniCoreError } from "./client.js";

/** How a caller makes itself known, and how often it tries. */
export interface FleetOptions {
  /** Sent with every call. */
  token?: string;
  /** How often a call is sent, the first time included. 1 never repeats. A call that may have begun is not sent again. */
  attempts?: number;
}

/** What one call may be given. */
export interface FleetCallOptions {
  /** How long the answer is waited for, in milliseconds: a minute if it is left out. The host hears it. */
  timeoutMs?: number;
  /** Calls of this function with the same key are one call while the host that made it keeps its answer. */
  key?: string;
  /** The SHA-256 of the one version that may answer. */
  digest?: string;
  /** Asks for the time, fuel and memory of the call. */
  costs?: boolean;
}

/** What a function returned, and who answered. */
export interface FleetAnswer {
  output: Uint8Array;
  host: string;
  plugin: string;
  digest: string;
  media: string;
  /** The answer to an earlier call with the same key. */
  replayed: boolean;
  /** The time in seconds, fuel and memory, where they were asked for and are counted. */
  time_s?: number | null;
  fuel?: number | null;
  memory_bytes?: number | null;
  host_calls?: Record<string, number>;
}

/** Of a host's answer; what has the value of `EMPTY` is left out. */
type Told = { host: string; error?: string; begun?: boolean } & Partial<FleetAnswer>;

const EMPTY = { plugin: "", digest: "", media: "", replayed: false };

const LONGEST_CALL_S = 3600;
const LARGEST_PROBLEM = 1 << 20;
/** What another host may answer differently, if the function was not entered. */
const ELSEWHERE = ["capacity-reached", "unavailable"];

/**
 * Calls plugins of a fleet over NATS, at whichever host serves them, as `specs/fleet.md` says. The connection stays its
 * owner's to close; it needs to publish to `omnicore.call.>` (`omnicore.version.>` for one version) and to subscribe to its
 * inbox, no more.
 */
export class Fleet {
  private readonly token: string | undefined;
  private readonly attempts: number;

  constructor(
    private readonly connection: NatsConnection,
    options: FleetOptions = {},
  ) {
    this.token = options.token;
    this.attempts = Math.max(1, options.attempts ?? 4);
  }

  /**
   * Makes a call. Rejects with an `OmniCoreError` for what the host refuses and what fails there (`not-served`: no host
   * serves the function), and with an error of NATS where no answer came.
   */
  async call(
    plugin: string,
    name: string,
    input: Uint8Array | string = "",
    options: FleetCallOptions = {},
  ): Promise<FleetAnswer> {
    const end = performance.now() + (options.timeoutMs ?? 60_000);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(plugin, name, input, options, end - performance.now());
      } catch (error) {
        const pause = Math.random() * 100 * 2 ** Math.min(attempt, 5);
        if (!(error instanceof NotBegun) || attempt >= this.attempts || performance.now() + pause >= end) {
          throw error instanceof NotBegun ? error.cause : error;
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  private async once(
    plugin: string,
    name: string,
    input: Uint8Array | string,
    options: FleetCallOptions,
    timeoutMs: number,
  ): Promise<FleetAnswer> {
    const { key, digest, costs } = options;
    const sent = headers();
    // No moment: nothing says that the clocks of client and host agree.
    const call = { timeout_s: Math.min(timeoutMs / 1000, LONGEST_CALL_S), key, digest, costs };
    sent.set("Omnicore-Call", JSON.stringify(call));
    if (this.token !== undefined) sent.set("Authorization", `Bearer ${this.token}`);
    const kind = digest === undefined ? "call" : `version.${escaped(digest)}`;
    const subject = `omnicore.${kind}.${escaped(plugin)}.${escaped(name)}`;
    const message = await this.ask(subject, input, { timeout: Math.max(1, timeoutMs), headers: sent });
    const { error, begun, ...answer } = JSON.parse(message.headers?.get("Omnicore-Answer") ?? "") as Told;
    if (!error) return { ...EMPTY, ...answer, output: message.data };
    const failed = problem(error, message);
    throw begun === false && ELSEWHERE.includes(error) ? new NotBegun(failed) : failed;
  }

  private async ask(...request: Parameters<NatsConnection["request"]>): Promise<Msg> {
    try {
      return await this.connection.request(...request);
    } catch (error) {
      if (error instanceof errors.NoRespondersError || (error instanceof errors.RequestError && error.isNoResponders())) {
        const remedy = "see `omnicore fleet ls` and the placement of the plugin";
        throw new NotBegun(new OmniCoreError(0, "not-served", `no host of the fleet serves ${request[0]}`, remedy, ""));
      }
      throw error;
    }
  }
}

/** Holds the error of a call whose function was not entered, and which may be sent again. */
class NotBegun extends Error {
  constructor(override readonly cause: OmniCoreError) {
    super(cause.message);
  }
}

function problem(code: string, message: Msg): OmniCoreError {
  let told: { message?: string; remedy?: string } = {};
  try {
    if (message.data.length <= LARGEST_PROBLEM) told = message.json();
  } catch {
    // no JSON
  }
  return new OmniCoreError(0, code, told.message ?? "a host of the fleet failed and did not say why", told.remedy ?? "", "");
}

/** Every byte but letters, digits, "_", "-" and "~" as %XX, as subjects have it. */
function escaped(name: string): string {
  const written = (byte: number) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return Array.from(new TextEncoder().encode(name), (byte) => {
    const letter = String.fromCharCode(byte);
    return /[A-Za-z0-9_~-]/.test(letter) ? letter : written(byte);
  }).join("");
}
