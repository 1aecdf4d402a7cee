import { randomUUID } from "node:crypto";
import { VERSION } from "./types.js";

/** How a client reaches a host, and how often it tries. */
export interface Options {
  /** The address of the host, or of a proxy before several: `http://127.0.0.1:8080`. */
  url: string;
  /** Sent with every request. */
  token?: string;
  /** How often a request is tried, the first time included. 1 never repeats. */
  attempts?: number;
  /** The longest pause before a repetition, in milliseconds; a host that asks for a longer one is not waited for. */
  longestPauseMs?: number;
  /** In place of the global `fetch`, for certificates or proxies of your own. */
  fetch?: typeof fetch;
}

/** What one operation may be given. */
export interface CallOptions {
  /** Ends it early. */
  signal?: AbortSignal;
  /**
   * A second operation with the same key, also of another process, has no further effect and gets the first one's
   * answer. Without it each operation makes its own.
   */
  idempotencyKey?: string;
}

/** A refusal or failure that a host reports. `code` is stable and made for programs. */
export class OmniCoreError extends Error {
  override readonly name = "OmniCoreError";

  constructor(
    /** Of HTTP, or the code that a WebSocket was closed with. */
    readonly status: number,
    readonly code: string,
    /** What happened. */
    readonly detail: string,
    /** What to do about it. */
    readonly remedy: string,
    /** Names the request as the host's log does. */
    readonly instance: string,
    /** How long the host asks to wait. */
    readonly retryAfterMs?: number,
  ) {
    super(remedy ? `${detail}; ${remedy} (${code}, ${status})` : `${detail} (${code}, ${status})`);
  }
}

/** A request that is not sent yet. */
export interface Asked {
  method: string;
  path: string;
  answer: "json" | "bytes" | "none";
  options: CallOptions;
  query?: object;
  body?: unknown;
  media?: string;
  keyed?: boolean;
}

const LARGEST_PROBLEM = 1 << 20;

/** Sends requests, repeats them where that is safe, and reads what comes back. */
export class Carrier {
  protected readonly base: string;
  protected readonly token: string | undefined;
  private readonly attempts: number;
  private readonly longestPauseMs: number;
  private readonly fetch: typeof fetch;

  constructor(options: Options) {
    const url = new URL(options.url);
    if (url.protocol !== "http:" && url.protocol !== "https:") {
      throw new TypeError(`${options.url} is not the address of a host, such as http://127.0.0.1:8080`);
    }
    this.base = options.url.replace(/\/+$/, "");
    this.token = options.token;
    this.attempts = Math.max(1, options.attempts ?? 4);
    this.longestPauseMs = options.longestPauseMs ?? 30_000;
    this.fetch = options.fetch ?? fetch;
  }

  /** Sends a request and returns its answer. Rejects with an `OmniCoreError`, or with what `fetch` rejects with. */
  protected async send<T>(asked: Asked): Promise<T> {
    const key = asked.keyed ? (asked.options.idempotencyKey ?? randomUUID()) : undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.once(asked, key)) as T;
      } catch (error) {
        const pause = this.pause(attempt, error);
        if (attempt >= this.attempts || asked.options.signal?.aborted || !repeatable(asked, error)) throw error;
        if (pause > this.longestPauseMs) throw error;
        await slept(pause, asked.options.signal);
      }
    }
  }

  protected headers(): Record<string, string> {
    const headers: Record<string, string> = { "user-agent": `omnicore-ts/${VERSION}` };
    if (this.token !== undefined) headers["authorization"] = `Bearer ${this.token}`;
    return headers;
  }

  private async once(asked: Asked, key: string | undefined): Promise<unknown> {
    const headers = { ...this.headers(), accept: "application/json, */*" } as Record<string, string>;
    if (asked.media !== undefined) headers["content-type"] = asked.media;
    if (key !== undefined) headers["idempotency-key"] = key;
    const raw = asked.body instanceof Uint8Array || asked.body === undefined;
    const response = await this.fetch(this.base + asked.path + search(asked.query), {
      method: asked.method,
      headers,
      body: raw ? (asked.body as Uint8Array<ArrayBuffer> | undefined) : JSON.stringify(asked.body),
      signal: asked.options.signal,
      redirect: "error",
    });
    if (!response.ok) throw await problem(response);
    if (asked.answer === "bytes") return new Uint8Array(await response.arrayBuffer());
    const text = await response.text();
    return asked.answer === "none" || text === "" ? undefined : JSON.parse(text);
  }

  /** What the host asks for, or else a random part of a time that doubles. */
  private pause(attempt: number, error: unknown): number {
    if (error instanceof OmniCoreError && error.retryAfterMs !== undefined) return error.retryAfterMs;
    return Math.random() * Math.min(100 * 2 ** attempt, 5000, this.longestPauseMs);
  }
}

/** All items of pages, each asked for when it is reached. */
export async function* pages<T>(
  page: (cursor: string | undefined) => Promise<{ items: T[]; next: string | null }>,
  cursor: string | undefined,
): AsyncGenerator<T, void, undefined> {
  for (let next: string | null | undefined = cursor; next !== null; ) {
    const found: { items: T[]; next: string | null } = await page(next);
    yield* found.items;
    next = found.next;
  }
}

/** True if a request that ended so may be sent again: it never began, or a repetition has no further effect. */
function repeatable(asked: Asked, error: unknown): boolean {
  const safe = asked.keyed === true || asked.method !== "POST";
  if (error instanceof OmniCoreError) {
    return error.status === 429 || (safe && [502, 503, 504].includes(error.status));
  }
  if (!(error instanceof TypeError)) return false; // an aborted one, or an answer that is no JSON
  const cause = (error as { cause?: { code?: string; errors?: { code?: string }[] } }).cause;
  const code = cause?.code ?? cause?.errors?.[0]?.code;
  return safe || code === "ECONNREFUSED" || code === "ENOTFOUND";
}

export async function problem(response: Response): Promise<OmniCoreError> {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  const wait = seconds > 0 && seconds < 1e6 ? seconds * 1000 : undefined;
  return reported(response.status, (await response.text()).slice(0, LARGEST_PROBLEM), wait);
}

/** The error that an answer describes; a proxy's page, which does not, has the code `http-STATUS`. */
export function reported(status: number, text: string, retryAfterMs?: number): OmniCoreError {
  try {
    const { code, detail, remedy, instance } = JSON.parse(text) as Record<string, string>;
    if (code) return new OmniCoreError(status, code, detail ?? "", remedy ?? "", instance ?? "", retryAfterMs);
  } catch {
    // no JSON
  }
  return new OmniCoreError(status, `http-${status}`, `the answer is ${status}`, "", "", retryAfterMs);
}

export function search(query: object | undefined): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

function slept(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", ended);
      resolve();
    }, ms);
    signal?.addEventListener("abort", ended, { once: true });
  });
}
