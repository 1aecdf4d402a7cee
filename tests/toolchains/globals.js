// One function for each thing that plugins find beside the language.
import { describe, DoorError, kv } from "omnicore";

const bytes = (...values) => new Uint8Array(values);
const name = (fn) => {
  try {
    fn();
    return null;
  } catch (error) {
    return error.name;
  }
};

export const clock = (_) => [Date.now(), new Date().getTime(), performance.now() >= 0];
export const random = (_) => [Math.random(), Math.random()];
export const uuid = (_) => crypto.randomUUID();
export const values = (length) => Array.from(crypto.getRandomValues(new Uint8Array(length)));
export const manyValues = (_) => name(() => crypto.getRandomValues(new Uint8Array(65537)));

export const encode = (text) => Array.from(new TextEncoder().encode(text));
export const encodeHalf = (_) => Array.from(new TextEncoder().encode("\ud800"));
export const encodeInto = (text) => new TextEncoder().encodeInto(text, new Uint8Array(4));
export const decode = ({ label, from, ...options }) => new TextDecoder(label, options).decode(bytes(...from));
export const decodeFatal = (from) => name(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes(...from)));
export function decodeParts(parts) {
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(bytes(...part), { stream: true })).join("") + decoder.decode();
}

export const href = ([url, base]) => new URL(url, base).href;
export const canParse = (url) => URL.canParse(url);
export const parts = (text) => {
  const { origin, protocol, username, password, host, hostname, port, pathname, search, hash } = new URL(text);
  return { origin, protocol, username, password, host, hostname, port, pathname, search, hash };
};
export function change([text, key, value]) {
  const url = new URL(text);
  url[key] = value;
  return url.href;
}
export function parameters(text) {
  const url = new URL("https://x/?a=1");
  const found = new URLSearchParams(text);
  for (const [key, value] of found) url.searchParams.append(key, value);
  url.searchParams.set("a", "0");
  return [found.toString(), found.getAll("b"), found.has("c"), found.size, url.href];
}

export const base64 = (text) => [btoa(text), atob(btoa(text)), name(() => btoa("€")), name(() => atob("a"))];

export function clone(_) {
  const value = { map: new Map([[1, { deep: [1] }]]), date: new Date(0), set: new Set("ab"), re: /a/g, view: bytes(1, 2) };
  value.self = value;
  value.error = new TypeError("t", { cause: 1 });
  const made = structuredClone(value);
  const own = made.self === made && made.map.get(1) !== value.map.get(1) && made.view.buffer !== value.view.buffer;
  const kinds = [made.date.getTime(), [...made.set], String(made.re), [...made.view], made.error instanceof TypeError];
  return [own, ...kinds, made.error.cause, name(() => structuredClone(() => 1)), name(() => structuredClone(Symbol()))];
}
export function move(_) {
  const buffer = new ArrayBuffer(8);
  return [structuredClone(buffer, { transfer: [buffer] }).byteLength, buffer.byteLength];
}

export async function timers(_) {
  const order = [];
  setTimeout(() => order.push("late"), 1e9);
  setTimeout((word) => order.push(word), 20, "b");
  setTimeout(() => order.push("a"), 10);
  clearTimeout(setTimeout(() => order.push("never"), 5));
  setImmediate(() => order.push("now"));
  queueMicrotask(() => order.push("micro"));
  const ticks = setInterval(() => order.push("tick"), 9);
  await new Promise((done) => setTimeout(done, 30));
  clearInterval(ticks);
  return order;
}
export async function left(_) {
  return globalThis.held === undefined ? ((globalThis.held = setTimeout(() => (globalThis.held = "ran"), 1)), "set") : String(globalThis.held);
}
export const never = (_) => new Promise(() => {});

export function lines(_) {
  console.debug("quiet");
  console.log("%s has %d", "x", 3, { list: [1, { map: new Map([[1, "a"]]) }], fn: clock, nothing: undefined });
  console.warn([bytes(1), new Date(0), /r/, 1n, Symbol("s"), null]);
  const circle = {};
  circle.self = circle;
  console.error(circle);
  console.assert(1 === 2, "sums");
}

export function host(_) {
  Var.set("n", "one");
  Var.set("b", bytes(255).buffer);
  const made = Memory.fromJsonObject({ a: [1] });
  const found = Memory.find(made.offset);
  const wide = String(Memory.allocUInt64(9n).readUInt64());
  const numbers = [Memory.allocUInt32(7).readUInt32(), Memory.allocFloat64(0.5).readFloat64(), wide];
  const size = Memory.fromBuffer(bytes(1, 2)).readBytes().byteLength;
  const blocks = [found.readJsonObject(), found.len, Memory.fromString("hö").readString(), size];
  made.free();
  const variables = [Var.getString("n"), Var.getString("m"), new Uint8Array(Var.getBytes("b"))[0]];
  return [Config.get("greeting"), Config.get("none"), ...variables, ...blocks, ...numbers, Memory.find(made.offset).len];
}
export async function fetched(url) {
  const response = await fetch(url, { method: "post", headers: { "X-A": "1" }, body: new URLSearchParams({ a: "b c" }) });
  const kept = [response.status, response.ok, response.headers.get("Content-Type"), await response.text()];
  return [...kept, await response.text().catch((error) => error.name)];
}
export const refused = async (url) => fetch(url).catch((error) => [error.name, error.cause instanceof DoorError, error.cause.code]);
export const asked = ({ url }) => Http.request({ url, headers: { a: 1 } }, "body");

export function door(_) {
  const version = kv.put("k", bytes(0, 255));
  const { value } = kv.get("k");
  const refused = name(() => kv.put("", "v"));
  return [version, [...value], kv.get("none"), kv.put("t", "täxt") > version, kv.get("t").value.text(), kv.delete("k"), refused];
}

export const text = describe((given) => given + "!", { description: "Calls.", input: "text", output: "text" });
export const reverse = describe((given) => given.reverse(), { input: "bytes", output: "bytes" });
export const schema = describe(async ({ n = 2 } = {}) => n * 2, { input: { type: "object" }, output: { type: "integer" } });
export const same = (value) => value;
export const undescribedBytes = (_) => bytes(1);
export const wrong = describe((_) => 1, { input: "text", output: "text" });
export const defaults = (value = "none") => value;

function inner(value) {
  throw new RangeError(`too ${value}`, { cause: new Error("because") });
}
export const boom = (value) => inner(value);
export const rejects = async (_) => {
  await null;
  inner("late");
};
export const throwsText = (_) => {
  throw "plain";
};
export const throwsObject = (_) => {
  throw { code: 7 };
};
export const throwsNothing = (_) => Promise.reject();
export const deep = (n) => deep(n + 1) + 1;
export const nested = (_) => JSON.parse("[".repeat(500000));
export const huge = (_) => {
  const held = [];
  for (;;) held.push(new ArrayBuffer(1 << 20));
};
export const spin = (_) => {
  for (;;);
};
export const forever = async (_) => {
  for (;;) await new Promise((done) => setTimeout(done, 1000));
};
export const late = async (_) => import("./other.js");
