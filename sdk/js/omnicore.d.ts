// Made from specs/doors by `python -m sdk.generate`; change it there.

declare module "omnicore" {
  /** Bytes that a door returned. */
  export class Bytes extends Uint8Array {
    /** The bytes as text. */
    text(): string;
    /** The bytes as JSON. */
    json(): any;
  }

  /** What a door takes as bytes. */
  export type BytesLike = string | ArrayBuffer | ArrayBufferView;

  /** A JSON Schema. */
  export type Schema = Record<string, unknown>;

  /** What callers are told of a function; `"text"` and `"bytes"` stand for plain text and bytes. */
  export interface Description {
    description?: string;
    input?: "text" | "bytes" | Schema;
    output?: "text" | "bytes" | Schema;
    input_media?: string;
    output_media?: string;
  }

  /** Says what a function takes and gives, for its manifest. Returns: the function. */
  export function describe<F extends (...given: any[]) => any>(fn: F, description: Description): F;

  export type ErrorCode = "malformed-request" | "permission-denied" | "limit-exceeded" | "deadline-exceeded" | "unavailable" | "capacity-reached" | "service-refused" | (string & {});

  /** What a door threw: a refusal or an expected failure. */
  export class DoorError extends Error {
    /** one of the codes; treat one you do not know as a failure */
    code: ErrorCode;
    /** what to do about it, for people */
    remedy?: string;
    /** the door */
    capability?: string;
    /** what was to be reached */
    resource?: string;
    /** which limit was met */
    limit?: string;
    /** The message without the remedy. */
    fact: string;
  }

  // How much a line matters.
  export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

  /** Write to the plugin's log. */
  export const log: {
    /**
     * Writes a line, with its fields as `key=value` after the message. A line is cut at 8 KiB.
     * - `level`: how much the line matters
     * - `message`: what happened
     * - `fields`: facts about it
     */
    write(level: LogLevel, message: string, options?: { fields?: Record<string, any> }): void;
  };

  /** Read the plugin's settings. */
  export const config: {
    /**
     * One setting, checked against the `[config]` schema of the manifest, defaults included.
     * - `key`: the setting's name
     */
    get(key: string): any;
    /**
     * All settings.
     */
    all(): Record<string, any>;
  };

  /** A value and its version. */
  export interface KvEntry {
    /** what was put */
    value: Bytes;
    /** changes with every write */
    version: number;
  }

  /** Some of the keys. */
  export interface KvPage {
    /** in the order of their bytes */
    keys: string[];
    /** for the next page; null after the last */
    cursor: string | null;
  }

  /** What a conditional write did. */
  export interface KvSwap {
    /** whether the value was written */
    swapped: boolean;
    /** the one that stands now; null when there is no value */
    version: number | null;
  }

  /** Keep keys and values between calls. */
  export const kv: {
    /**
     * The value of a key, or nothing.
     * - `key`: 1 to 512 bytes of UTF-8
     */
    get(key: string): KvEntry | null;
    /**
     * Writes a value and returns its new version.
     * - `key`: 1 to 512 bytes of UTF-8
     * - `value`: at most 256 KiB
     * - `ttl_s`: seconds after which the value is gone
     */
    put(key: string, value: BytesLike, options?: { ttl_s?: number }): number;
    /**
     * Deletes a key; returns whether there was something.
     * - `key`: 1 to 512 bytes of UTF-8
     */
    delete(key: string): boolean;
    /**
     * A page of keys, in the order of their bytes.
     * - `prefix`: how the keys begin
     * - `limit`: 1 to 1000; 100 when left out
     * - `cursor`: of the page before
     */
    list(options?: { prefix?: string; limit?: number; cursor?: string }): KvPage;
    /**
     * Writes only if the version is still the expected one, or with null only if the key does not exist.
     * - `key`: 1 to 512 bytes of UTF-8
     * - `expected`: the version that was read; null for a new key
     * - `value`: at most 256 KiB
     * - `ttl_s`: seconds after which the value is gone
     */
    cas(key: string, expected: number | null, value: BytesLike, options?: { ttl_s?: number }): KvSwap;
  };

  /** An answer; a status of 400 and above is one, too. */
  export interface HttpResponse {
    /** 100 to 599 */
    status: number;
    /** by lower-case names, repeated ones joined by `, ` */
    headers: Record<string, string>;
    /** as it came */
    body: Bytes;
  }

  /** Send HTTP requests. */
  export const http: {
    /**
     * Sends a request and waits for the whole answer.
     * - `url`: absolute, http or https
     * - `method`: GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; GET when left out
     * - `headers`: those of the connection itself are the host's
     * - `body`: what is sent
     */
    fetch(url: string, options?: { method?: string; headers?: Record<string, string>; body?: BytesLike }): HttpResponse;
  };

  /** A function of the plugin that hears a topic. */
  export interface EventsSubscription {
    /** given by the host */
    id: string;
    /** the pattern */
    topic: string;
    /** which is called with each event */
    function: string;
  }

  /** Publish events and hear them. */
  export const events: {
    /**
     * Hands an event to whoever subscribed; returns its id. At most 100 a second.
     * - `topic`: to publish: names of `a-z A-Z 0-9 _ -` between dots
     * - `data`: any JSON value of at most 64 KiB
     */
    publish(topic: string, data: any): string;
    /**
     * Lets the host call a function of this plugin with each event; the same again is the same one.
     * - `topic`: to subscribe: names, `*` for one of them, a last `**` for all that follow
     * - `function`: takes `{"id", "topic", "data", "source", "at"}` as JSON; what it returns is dropped
     */
    subscribe(topic: string, function_: string): string;
    /**
     * Ends a subscription; returns whether there was one.
     * - `id`: what subscribe returned
     */
    unsubscribe(id: string): boolean;
    /**
     * All subscriptions of this plugin, oldest first.
     */
    subscriptions(): EventsSubscription[];
  };

  // Where a task stands.
  export type TasksState = "waiting" | "running" | "done" | "failed" | "cancelled";

  /** A task as it stands. */
  export interface TasksTask {
    /** given by the host */
    id: string;
    /** what it calls */
    function: string;
    /** where it stands */
    state: TasksState;
    /** how often it was begun */
    attempts: number;
    /** what the function returned, once done */
    output: any;
    /** why it failed last */
    error: string | null;
  }

  /** Some of the plugin's tasks. */
  export interface TasksPage {
    /** newest first */
    tasks: TasksTask[];
    /** for the next page; null after the last */
    cursor: string | null;
  }

  /** Run functions of plugins later, with retries. */
  export const tasks: {
    /**
     * Stores a task and returns its id; the host runs it, also after a restart.
     * - `function`: `plugin.function`
     * - `input`: what the function is called with, at most 64 KiB
     * - `queue`: `default` when left out
     * - `delay_s`: seconds before it may begin
     * - `priority`: 0 to 9, higher ones first; 5 when left out
     * - `attempts`: 1 to 20; 3 when left out
     * - `timeout_s`: for each attempt
     * - `key`: a second task with this key is the first one
     */
    submit(function_: string, options?: { input?: any; queue?: string; delay_s?: number; priority?: number; attempts?: number; timeout_s?: number; key?: string }): string;
    /**
     * A task of this plugin, or nothing.
     * - `id`: what submit returned
     */
    get(id: string): TasksTask | null;
    /**
     * The plugin's own tasks, newest first.
     * - `state`: only those
     * - `limit`: 1 to 1000; 100 when left out
     * - `cursor`: of the page before
     */
    list(options?: { state?: TasksState; limit?: number; cursor?: string }): TasksPage;
    /**
     * Cancels a task that waits or runs; returns whether it did.
     * - `id`: what submit returned
     */
    cancel(id: string): boolean;
  };

  /** Something remembered. */
  export interface MemoryItem {
    /** given by the host */
    id: string;
    /** where it is kept, one of the twelve tiers */
    tier: string;
    /** word for word what was stored */
    text: string;
    /** 0 to 1 */
    importance: number;
    /** seconds since the Unix epoch */
    created_at: number;
    /** what was stored with it */
    metadata: Record<string, any>;
    /** the probability that it answers, 0 to 1; null outside of a recall */
    score: number | null;
  }

  /** Remember and recall by meaning, words and time. */
  export const memory: {
    /**
     * Remembers a text and returns its id. The same text again is the same memory.
     * - `text`: at most 64 KiB
     * - `tier`: one of the twelve tiers; `episodic` when left out
     * - `importance`: 0 to 1; the host judges when it is left out
     * - `embedding`: of the text; the host makes one when it is left out
     * - `metadata`: at most 16 KiB; `speaker` and `session`, both text, say who said it in which conversation, which helps recall
     * - `said_at`: when it was said, in seconds since the Unix epoch; now when left out
     * - `user`: the user whose it is; a recall with a user finds what is this user's and nothing else
     * - `agent`: the agent whose it is
     * - `session`: the session in which it was said
     * - `app`: the application whose it is
     */
    store(text: string, options?: { tier?: string; importance?: number; embedding?: number[]; metadata?: Record<string, any>; said_at?: number; user?: string; agent?: string; session?: string; app?: string }): string;
    /**
     * The memories that fit best, best first.
     * - `text`: what is looked for; this or `embedding` must be there
     * - `embedding`: of what is looked for
     * - `tiers`: where to look; all that are granted when left out
     * - `limit`: 1 to 100; 10 when left out
     * - `min_score`: 0 to 1; only memories that answer with this probability
     * - `user`: only what is this user's
     * - `agent`: the agent whose memories are asked for
     * - `session`: the session in which it was said
     * - `app`: the application whose memories are asked for
     * - `filter`: what the metadata must fulfil, such as `{"year": {"$gte": 2020}}`; `docs/memory.md` has the operators
     */
    recall(options?: { text?: string; embedding?: number[]; tiers?: string[]; limit?: number; min_score?: number; user?: string; agent?: string; session?: string; app?: string; filter?: Record<string, any> }): MemoryItem[];
    /**
     * One memory, or nothing.
     * - `id`: what store returned
     */
    get(id: string): MemoryItem | null;
    /**
     * Forgets a memory; returns whether there was one.
     * - `id`: what store returned
     */
    forget(id: string): boolean;
  };

  // How far two vectors are apart.
  export type VectorsMetric = "cosine" | "l2" | "dot";

  /** A vector to keep. */
  export interface VectorsVector {
    /** chosen by the plugin, 1 to 256 bytes; a second one with it replaces the first */
    id: string;
    /** as many as the collection has dimensions, all finite */
    values: number[];
    /** at most 16 KiB */
    metadata?: Record<string, any>;
  }

  /** A vector that was found. */
  export interface VectorsMatch {
    /** as it was kept */
    id: string;
    /** 0 is the same; by the collection's metric */
    distance: number;
    /** as it was kept */
    metadata: Record<string, any>;
  }

  /** What a search found. */
  export interface VectorsMatches {
    /** nearest first */
    matches: VectorsMatch[];
    /** false when an index answered, which may miss some */
    exact: boolean;
  }

  /** Keep vectors and find the nearest. */
  export const vectors: {
    /**
     * Makes a collection; returns whether it is new. One that is there must have the same shape.
     * - `collection`: names of `a-z 0-9 -`
     * - `dimensions`: 1 to 4096
     * - `metric`: `cosine` when left out
     */
    create(collection: string, dimensions: number, options?: { metric?: VectorsMetric }): boolean;
    /**
     * Keeps vectors, all or none; returns how many.
     * - `collection`: where to
     * - `vectors`: 1 to 1000
     */
    upsert(collection: string, vectors: VectorsVector[]): number;
    /**
     * The nearest vectors.
     * - `collection`: where to look
     * - `values`: near to what
     * - `limit`: 1 to 1000; 10 when left out
     * - `filter`: what the metadata must fulfil: equal values, or operators as in `docs/memory.md`
     */
    search(collection: string, values: number[], options?: { limit?: number; filter?: Record<string, any> }): VectorsMatches;
    /**
     * Deletes vectors; returns how many there were.
     * - `collection`: where
     * - `ids`: 1 to 1000
     */
    delete(collection: string, ids: string[]): number;
  };

  /** A service the host is connected to. Its credentials never reach a plugin. */
  export interface ConnectorsConnector {
    /** chosen by the operator */
    name: string;
    /** such as `http`, `postgresql`, `github` */
    kind: string;
    /** what it can do and the plugin may ask for */
    actions: string[];
  }

  /** Use the services the host is connected to. */
  export const connectors: {
    /**
     * The connectors the plugin may use.
     */
    list(): ConnectorsConnector[];
    /**
     * Lets a connector do something and returns what came of it.
     * - `connector`: its name
     * - `action`: one of its actions
     * - `input`: what the action takes, at most 1 MiB
     */
    call(connector: string, action: string, options?: { input?: any }): any;
  };
}
