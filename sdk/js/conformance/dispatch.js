// Made from specs/doors by `python -m sdk.generate`; change it there.
import { log, config, kv, http, events, tasks, memory, vectors, connectors } from "omnicore";
import { bytes, options, record, wire } from "./shapes.js";

// For each verb: the request as the kit's arguments, and what it returns as a reply.
export const VERBS = {
  log: {
    write: (request) => (log.write(request.level, request.message, options(request, ["fields"])), {}),
  },
  config: {
    get: (request) => ({ value: wire(config.get(request.key)) }),
    all: () => ({ values: wire(config.all()) }),
  },
  kv: {
    get: (request) => record(kv.get(request.key), ["value", "version"]),
    put: (request) => ({ version: wire(kv.put(request.key, bytes(request.value), options(request, ["ttl_s"]))) }),
    delete: (request) => ({ deleted: wire(kv.delete(request.key)) }),
    list: (request) => record(kv.list(options(request, ["prefix", "limit", "cursor"])), ["keys", "cursor"]),
    cas: (request) => record(kv.cas(request.key, request.expected, bytes(request.value), options(request, ["ttl_s"])), ["swapped", "version"]),
  },
  http: {
    fetch: (request) => record(http.fetch(request.url, options(request, ["method", "headers", "body"], ["body"])), ["status", "headers", "body"]),
  },
  events: {
    publish: (request) => ({ id: wire(events.publish(request.topic, request.data)) }),
    subscribe: (request) => ({ id: wire(events.subscribe(request.topic, request.function)) }),
    unsubscribe: (request) => ({ removed: wire(events.unsubscribe(request.id)) }),
    subscriptions: () => ({ items: wire(events.subscriptions()) }),
  },
  tasks: {
    submit: (request) => ({ id: wire(tasks.submit(request.function, options(request, ["input", "queue", "delay_s", "priority", "attempts", "timeout_s", "key"]))) }),
    get: (request) => ({ task: wire(tasks.get(request.id)) }),
    list: (request) => record(tasks.list(options(request, ["state", "limit", "cursor"])), ["tasks", "cursor"]),
    cancel: (request) => ({ cancelled: wire(tasks.cancel(request.id)) }),
  },
  memory: {
    store: (request) => ({ id: wire(memory.store(request.text, options(request, ["tier", "importance", "embedding", "metadata", "said_at", "user", "agent", "session", "app"]))) }),
    recall: (request) => ({ items: wire(memory.recall(options(request, ["text", "embedding", "tiers", "limit", "min_score", "user", "agent", "session", "app", "filter"]))) }),
    get: (request) => ({ item: wire(memory.get(request.id)) }),
    forget: (request) => ({ forgotten: wire(memory.forget(request.id)) }),
  },
  vectors: {
    create: (request) => ({ created: wire(vectors.create(request.collection, request.dimensions, options(request, ["metric"]))) }),
    upsert: (request) => ({ count: wire(vectors.upsert(request.collection, request.vectors)) }),
    search: (request) => record(vectors.search(request.collection, request.values, options(request, ["limit", "filter"])), ["matches", "exact"]),
    delete: (request) => ({ deleted: wire(vectors.delete(request.collection, request.ids)) }),
  },
  connectors: {
    list: () => ({ connectors: wire(connectors.list()) }),
    call: (request) => ({ output: wire(connectors.call(request.connector, request.action, options(request, ["input"]))) }),
  },
};
