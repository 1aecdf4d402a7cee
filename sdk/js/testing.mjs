// The module "omnicore" for unit tests under Node: the same nouns, in front of a host that only pretends.
import { readdirSync, readFileSync } from "node:fs";

export class DoorError extends Error {
  constructor({ code, message, remedy, capability, resource, limit }) {
    super(remedy ? `${message}; ${remedy}` : message);
    this.name = "DoorError";
    Object.assign(this, { code, fact: message, remedy, capability, resource, limit });
  }
}

export class Bytes extends Uint8Array {
  static get [Symbol.species]() {
    return Uint8Array;
  }
  text() {
    return new TextDecoder().decode(this);
  }
  json() {
    return JSON.parse(this.text());
  }
}

export const describe = (fn) => fn;

// What the host holds and has been told. `answers` gives the reply of a function, or a function of the request; what it
// throws reaches the plugin, such as `new DoorError({code, message})`.
export const host = {
  settings: {},
  kv: new Map(),
  lines: [],
  events: [],
  subscriptions: new Map(),
  answers: {},
  reset() {
    this.settings = {};
    this.kv.clear();
    this.subscriptions.clear();
    this.lines.length = this.events.length = 0;
    this.answers = {};
    blocks.clear();
  },
};

let version = 0;

function put({ key, value }) {
  host.kv.set(key, { value, version: ++version });
  return { version };
}

function cas(request) {
  const held = host.kv.get(request.key)?.version ?? null;
  return held === request.expected ? { swapped: true, ...put(request) } : { swapped: false, version: held };
}

function subscribe(topic, name) {
  const same = [...host.subscriptions.values()].find((one) => one.topic === topic && one.function === name);
  if (same !== undefined) return same.id;
  const id = `subscription-${++version}`;
  host.subscriptions.set(id, { id, topic, function: name });
  return id;
}

function list({ prefix = "", limit = 100 }) {
  return { keys: [...host.kv.keys()].filter((key) => key.startsWith(prefix)).sort().slice(0, limit), cursor: null };
}

const DOORS = {
  log_write_v1: (line) => (host.lines.push(line), {}),
  config_get_v1: ({ key }) => (key === undefined ? { values: host.settings } : { value: host.settings[key] ?? null }),
  kv_get_v1: ({ key }) => host.kv.get(key) ?? { value: null, version: null },
  kv_put_v1: put,
  kv_cas_v1: cas,
  kv_delete_v1: ({ key }) => ({ deleted: host.kv.delete(key) }),
  kv_list_v1: list,
  events_publish_v1: (event) => ({ id: `event-${host.events.push(event)}` }),
  events_subscribe_v1: ({ topic, function: name }) => ({ id: subscribe(topic, name) }),
  events_unsubscribe_v1: ({ id }) => ({ removed: host.subscriptions.delete(id) }),
  events_subscriptions_v1: () => ({ items: [...host.subscriptions.values()] }),
};

function ask(name, request) {
  const sent = JSON.parse(JSON.stringify(request));
  const answer = host.answers[name] ?? DOORS[name];
  if (answer === undefined) {
    throw new DoorError({ code: "unavailable", message: `nothing answers ${name}`, remedy: `set host.answers.${name}` });
  }
  return structuredClone(typeof answer === "function" ? answer(sent) : answer);
}

function toWire(value) {
  if (typeof value === "string") return value;
  const bytes = ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : Buffer.from(value);
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : { base64: bytes.toString("base64") };
}

function fromWire(value) {
  if (value === null) return null;
  return Bytes.from(typeof value === "string" ? Buffer.from(value) : Buffer.from(value.base64, "base64"));
}

// What `omnicore kit` writes for the doors of an application goes through the memory of the host.
const blocks = new Map();

const block = (offset) => ({
  offset,
  free: () => void blocks.delete(offset),
  readJsonObject: () => JSON.parse(blocks.get(offset)),
});

function written(text) {
  blocks.set(++version, text);
  return block(version);
}

const answered = (name, given) => written(JSON.stringify(ask(name, block(given).readJsonObject()))).offset;
globalThis.Memory = { fromString: written, find: block };
globalThis.Host = { getFunctions: () => new Proxy({}, { get: (_, name) => (given) => answered(name, given) }) };

const kit = { ask, toWire, fromWire };
const nouns = {};
const folder = new URL("./src/nouns/", import.meta.url);
for (const file of readdirSync(folder)) {
  new Function("kit", "nouns", readFileSync(new URL(file, folder), "utf8"))(kit, nouns);
}
export const { config, connectors, events, http, kv, log, memory, tasks, vectors } = nouns;
