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
  table(value: unknown): void;
  group(...values: unknown[]): void;
  groupEnd(): void;
  count(label?: string): void;
  time(label?: string): void;
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
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

declare class Response {
  constructor(body?: string | Uint8Array, init?: { status?: number; headers?: Record<string, string>; url?: string });
  readonly status: number;
  readonly ok: boolean;
  readonly headers: Headers;
  readonly url: string;
  readonly bodyUsed: boolean;
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
  },
): Promise<Response>;

declare class DOMException extends Error {
  constructor(message?: string, name?: string);
}

declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
};
declare const performance: { now(): number; readonly timeOrigin: number };

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
