/// <reference no-default-lib="true"/>
/// <reference lib="es2023"/>
/// <reference path="./omnicore.d.ts"/>

// What a plugin finds beside JavaScript itself. `omnicore.d.ts` has the module "omnicore".

type I32 = number;
type I64 = number | bigint;
type F32 = number;
type F64 = number;
type PTR = I64;

declare module "extism:host" {
  /** Functions of a host application, declared beside the source. */
  interface user {}
}

/** Input and output, as Extism's kit has them. */
declare const Host: {
  inputBytes(): ArrayBuffer;
  inputString(): string;
  outputBytes(output: ArrayBuffer | ArrayBufferView): boolean;
  outputString(output: string): boolean;
  getFunctions(): import("extism:host").user;
  arrayBufferToBase64(input: ArrayBuffer | ArrayBufferView): string;
  base64ToArrayBuffer(input: string): ArrayBuffer;
};

/** Settings as text. */
declare const Config: { get(key: string): string | null };

/** Variables of this instance. */
declare const Var: {
  set(key: string, value: string | ArrayBuffer | ArrayBufferView): void;
  getBytes(key: string): ArrayBuffer | null;
  getString(key: string): string | null;
};

interface HttpRequest {
  url: string;
  method?: string;
  headers?: Record<string, string | number | boolean>;
}

interface HttpResponse {
  body: string;
  status: number;
  headers: Record<string, string>;
}

declare const Http: { request(request: HttpRequest, body?: string | ArrayBuffer | ArrayBufferView): HttpResponse };

declare class MemoryHandle {
  constructor(offset: PTR, len: I64);
  offset: PTR;
  len: I64;
  readString(): string;
  readBytes(): ArrayBuffer;
  readJsonObject<T = any>(): T;
  readUInt32(): number;
  readUInt64(): bigint;
  readFloat32(): number;
  readFloat64(): number;
  readUFloat64(): number;
  free(): void;
}

/** Blocks that the plugin shares with its host. */
declare const Memory: {
  fromString(text: string): MemoryHandle;
  fromBuffer(bytes: ArrayBuffer | ArrayBufferView): MemoryHandle;
  fromJsonObject(value: unknown): MemoryHandle;
  allocUInt32(value: number): MemoryHandle;
  allocUInt64(value: bigint): MemoryHandle;
  allocFloat32(value: number): MemoryHandle;
  allocFloat64(value: number): MemoryHandle;
  find(offset: PTR): MemoryHandle;
};

interface Console {
  trace(...values: unknown[]): void;
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  assert(fact: unknown, ...values: unknown[]): void;
  dir(value: unknown): void;
  dirxml(...values: unknown[]): void;
  table(value: unknown, columns?: string[]): void;
  group(...values: unknown[]): void;
  groupCollapsed(...values: unknown[]): void;
  groupEnd(): void;
  count(label?: string): void;
  countReset(label?: string): void;
  time(label?: string): void;
  timeLog(label?: string, ...values: unknown[]): void;
  timeEnd(label?: string): void;
}
declare const console: Console;

type BufferSource = ArrayBuffer | ArrayBufferView;

declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: BufferSource, options?: { stream?: boolean }): string;
}

declare class URLSearchParams implements Iterable<[string, string]> {
  constructor(from?: string | Iterable<[string, string]> | Record<string, string>);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(fn: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  toString(): string;
}

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}

declare class Headers implements Iterable<[string, string]> {
  constructor(from?: Iterable<[string, string]> | Record<string, string>);
  append(name: string, value: string): void;
  set(name: string, value: string): void;
  get(name: string): string | null;
  has(name: string): boolean;
  delete(name: string): void;
  forEach(fn: (value: string, name: string, headers: Headers) => void, self?: unknown): void;
  entries(): IterableIterator<[string, string]> & { length: number };
  keys(): IterableIterator<string> & { length: number };
  values(): IterableIterator<string> & { length: number };
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

interface ResponseInit {
  status?: number;
  statusText?: string;
  headers?: Headers | Iterable<[string, string]> | Record<string, string>;
  url?: string;
}
declare class Response {
  constructor(body?: string | BufferSource | URLSearchParams | null, init?: ResponseInit);
  static json(data: unknown, init?: ResponseInit): Response;
  readonly status: number;
  readonly statusText: string;
  readonly ok: boolean;
  readonly headers: Headers;
  readonly url: string;
  readonly bodyUsed: boolean;
  clone(): Response;
  text(): Promise<string>;
  json(): Promise<any>;
  bytes(): Promise<Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Sends a request through the http door. */
declare function fetch(
  url: string | URL,
  options?: {
    method?: string;
    headers?: Headers | Iterable<[string, string]> | Record<string, string>;
    body?: string | ArrayBuffer | ArrayBufferView | URLSearchParams | null;
    /** Looked at before the request is sent. */
    signal?: AbortSignal | null;
  },
): Promise<Response>;

declare class DOMException extends Error {
  constructor(message?: string, name?: string);
}

type Digest = "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";
declare class CryptoKey {
  private constructor();
  readonly type: "secret";
  readonly extractable: boolean;
  readonly algorithm: { name: "HMAC"; hash: { name: Digest }; length: number };
  readonly usages: ("sign" | "verify")[];
}
/** Digests and HMAC; the rest of the interface is refused by name. */
interface SubtleCrypto {
  digest(algorithm: Digest | { name: Digest }, data: BufferSource): Promise<ArrayBuffer>;
  importKey(
    format: "raw",
    data: BufferSource,
    algorithm: { name: "HMAC"; hash: Digest | { name: Digest } },
    extractable: boolean,
    usages: ("sign" | "verify")[],
  ): Promise<CryptoKey>;
  exportKey(format: "raw", key: CryptoKey): Promise<ArrayBuffer>;
  sign(algorithm: "HMAC" | { name: "HMAC" }, key: CryptoKey, data: BufferSource): Promise<ArrayBuffer>;
  verify(algorithm: "HMAC" | { name: "HMAC" }, key: CryptoKey, signature: BufferSource, data: BufferSource): Promise<boolean>;
}
declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
  readonly subtle: SubtleCrypto;
};
declare const performance: { now(): number; readonly timeOrigin: number; toJSON(): { timeOrigin: number } };
declare const self: typeof globalThis;

interface EventInit {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
}
declare class Event {
  constructor(type: string, init?: EventInit);
  readonly type: string;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly target: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  readonly eventPhase: number;
  readonly isTrusted: boolean;
  readonly timeStamp: number;
  readonly defaultPrevented: boolean;
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
  composedPath(): EventTarget[];
}
declare class CustomEvent<T = any> extends Event {
  constructor(type: string, init?: EventInit & { detail?: T });
  readonly detail: T;
}
type EventListener = ((event: any) => void) | { handleEvent(event: any): void };
declare class EventTarget {
  addEventListener(
    type: string,
    listener: EventListener | null,
    options?: boolean | { capture?: boolean; once?: boolean; passive?: boolean; signal?: AbortSignal },
  ): void;
  removeEventListener(type: string, listener: EventListener | null, options?: boolean | { capture?: boolean }): void;
  dispatchEvent(event: Event): boolean;
}
declare class AbortSignal extends EventTarget {
  private constructor();
  static abort(reason?: unknown): AbortSignal;
  static any(signals: Iterable<AbortSignal>): AbortSignal;
  static timeout(ms: number): AbortSignal;
  readonly aborted: boolean;
  readonly reason: any;
  onabort: ((event: Event) => void) | null;
  throwIfAborted(): void;
}
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

type BufferEncoding = "utf8" | "utf-8" | "utf16le" | "ucs2" | "latin1" | "binary" | "ascii" | "hex" | "base64" | "base64url";
type BufferOrder = "LE" | "BE";
type BufferNumber = "UInt8" | "Int8" | `${"UInt" | "Int"}${16 | 32}${BufferOrder}` | `${"Float" | "Double"}${BufferOrder}`;
type BufferWide = `Big${"UInt" | "Int"}64${BufferOrder}`;
type BufferSized = `${"UInt" | "Int"}${BufferOrder}`;
type BufferNumbers = { [K in BufferNumber as `read${K}`]: (offset?: number) => number } & {
  [K in BufferNumber as `write${K}`]: (value: number, offset?: number) => number;
} & { [K in BufferWide as `read${K}`]: (offset?: number) => bigint } & {
  [K in BufferWide as `write${K}`]: (value: bigint, offset?: number) => number;
} & { [K in BufferSized as `read${K}`]: (offset: number, size: number) => number } & {
  [K in BufferSized as `write${K}`]: (value: number, offset: number, size: number) => number;
};
interface Buffer extends BufferNumbers {}
/** Bytes as Node has them. */
declare class Buffer extends Uint8Array {
  static from(text: string, encoding?: BufferEncoding): Buffer;
  static from(data: ArrayBuffer, offset?: number, length?: number): Buffer;
  static from(data: ArrayLike<number> | Iterable<number> | { type: "Buffer"; data: number[] }): Buffer;
  static of(...values: number[]): Buffer;
  static alloc(size: number, fill?: string | number | Uint8Array, encoding?: BufferEncoding): Buffer;
  static allocUnsafe(size: number): Buffer;
  static isBuffer(value: unknown): value is Buffer;
  static isEncoding(value: unknown): value is BufferEncoding;
  static byteLength(value: string | BufferSource, encoding?: BufferEncoding): number;
  static concat(list: readonly Uint8Array[], total?: number): Buffer;
  static compare(one: Uint8Array, other: Uint8Array): -1 | 0 | 1;
  toString(encoding?: BufferEncoding, start?: number, end?: number): string;
  toJSON(): { type: "Buffer"; data: number[] };
  equals(other: Uint8Array): boolean;
  compare(other: Uint8Array, start?: number, end?: number, ownStart?: number, ownEnd?: number): -1 | 0 | 1;
  copy(target: Uint8Array, targetStart?: number, start?: number, end?: number): number;
  slice(start?: number, end?: number): any;
  subarray(start?: number, end?: number): any;
  write(text: string, encoding?: BufferEncoding): number;
  write(text: string, offset: number, encoding?: BufferEncoding): number;
  write(text: string, offset: number, length: number, encoding?: BufferEncoding): number;
  fill(value: any, start?: any, end?: any, encoding?: BufferEncoding): this;
  indexOf(value: any, from?: number, encoding?: BufferEncoding): number;
  lastIndexOf(value: any, from?: number, encoding?: BufferEncoding): number;
  includes(value: any, from?: number, encoding?: BufferEncoding): boolean;
  swap16(): this;
  swap32(): this;
  swap64(): this;
}

declare function atob(text: string): string;
declare function btoa(text: string): string;
declare function structuredClone<T>(value: T, options?: { transfer?: ArrayBuffer[] }): T;
declare function queueMicrotask(fn: () => void): void;

/** Timers do not wait: when nothing else is to do, the next one's time has come. */
declare function setTimeout<A extends unknown[]>(fn: (...given: A) => void, delay?: number, ...given: A): number;
declare function setInterval<A extends unknown[]>(fn: (...given: A) => void, delay?: number, ...given: A): number;
declare function setImmediate<A extends unknown[]>(fn: (...given: A) => void, ...given: A): number;
declare function clearTimeout(id?: number): void;
declare function clearInterval(id?: number): void;
declare function clearImmediate(id?: number): void;

// CommonJS.
declare const module: { exports: any };
declare const exports: any;
declare function require(name: "omnicore"): typeof import("omnicore");
declare function require(name: string): any;
