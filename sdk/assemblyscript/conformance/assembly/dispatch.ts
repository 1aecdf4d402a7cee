// Made from specs/doors by `python -m sdk.generate`; change it there.

import { readBytes } from "../../bytes";
import { NONE, readNumbers, readStrings, readTexts } from "../../door";
import { Json } from "../../json";
import { refused, replied } from "./answer";
import * as log from "../../log";
import * as config from "../../config";
import * as kv from "../../kv";
import * as http from "../../http";
import * as events from "../../events";
import * as tasks from "../../tasks";
import * as memory from "../../memory";
import * as vectors from "../../vectors";
import * as connectors from "../../connectors";

/** The answer of a verb, or null for one that is not known. */
export function dispatch(verb: string, request: Json): Json | null {
  if (verb == "log.write") return logWrite(request);
  if (verb == "config.get") return configGet(request);
  if (verb == "config.all") return configAll(request);
  if (verb == "kv.get") return kvGet(request);
  if (verb == "kv.put") return kvPut(request);
  if (verb == "kv.delete") return kvDelete(request);
  if (verb == "kv.list") return kvList(request);
  if (verb == "kv.cas") return kvCas(request);
  if (verb == "http.fetch") return httpFetch(request);
  if (verb == "events.publish") return eventsPublish(request);
  if (verb == "events.subscribe") return eventsSubscribe(request);
  if (verb == "events.unsubscribe") return eventsUnsubscribe(request);
  if (verb == "events.subscriptions") return eventsSubscriptions(request);
  if (verb == "tasks.submit") return tasksSubmit(request);
  if (verb == "tasks.get") return tasksGet(request);
  if (verb == "tasks.list") return tasksList(request);
  if (verb == "tasks.cancel") return tasksCancel(request);
  if (verb == "memory.store") return memoryStore(request);
  if (verb == "memory.recall") return memoryRecall(request);
  if (verb == "memory.get") return memoryGet(request);
  if (verb == "memory.forget") return memoryForget(request);
  if (verb == "vectors.create") return vectorsCreate(request);
  if (verb == "vectors.upsert") return vectorsUpsert(request);
  if (verb == "vectors.search") return vectorsSearch(request);
  if (verb == "vectors.delete") return vectorsDelete(request);
  if (verb == "connectors.list") return connectorsList(request);
  if (verb == "connectors.call") return connectorsCall(request);
  return null;
}

function logWrite(request: Json): Json {
  const options = new log.WriteOptions();
  if (!request.get("fields").isNull) options.fields = request.get("fields");
  const error = log.write(request.get("level").text, request.get("message").text, options);
  return error === null ? replied(Json.object()) : refused(error);
}

function configGet(request: Json): Json {
  const result = config.get(request.get("key").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("value", result.value);
  return replied(reply);
}

function configAll(request: Json): Json {
  const result = config.all();
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("values", result.value);
  return replied(reply);
}

function kvGet(request: Json): Json {
  const result = kv.get(request.get("key").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const value = result.value;
  return replied(value === null ? Json.object().set("value", Json.none()).set("version", Json.none()) : value.toJson());
}

function kvPut(request: Json): Json {
  const options = new kv.PutOptions();
  if (!request.get("ttl_s").isNull) options.ttlS = request.get("ttl_s").number;
  const result = kv.put(request.get("key").text, readBytes(request.get("value")), options);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("version", Json.integer(result.value));
  return replied(reply);
}

function kvDelete(request: Json): Json {
  const result = kv.remove(request.get("key").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("deleted", Json.boolean(result.value));
  return replied(reply);
}

function kvList(request: Json): Json {
  const options = new kv.ListOptions();
  if (!request.get("prefix").isNull) options.prefix = request.get("prefix").text;
  if (!request.get("limit").isNull) options.limit = request.get("limit").integer;
  if (!request.get("cursor").isNull) options.cursor = request.get("cursor").text;
  const result = kv.list(options);
  const error = result.error;
  if (error !== null) return refused(error);
  return replied(result.value.toJson());
}

function kvCas(request: Json): Json {
  const options = new kv.CasOptions();
  if (!request.get("ttl_s").isNull) options.ttlS = request.get("ttl_s").number;
  const result = kv.cas(request.get("key").text, request.get("expected").isNull ? NONE : request.get("expected").integer, readBytes(request.get("value")), options);
  const error = result.error;
  if (error !== null) return refused(error);
  return replied(result.value.toJson());
}

function httpFetch(request: Json): Json {
  const options = new http.FetchOptions();
  if (!request.get("method").isNull) options.method = request.get("method").text;
  if (!request.get("headers").isNull) options.headers = readTexts(request.get("headers"));
  if (!request.get("body").isNull) options.body = readBytes(request.get("body"));
  const result = http.fetch(request.get("url").text, options);
  const error = result.error;
  if (error !== null) return refused(error);
  return replied(result.value.toJson());
}

function eventsPublish(request: Json): Json {
  const result = events.publish(request.get("topic").text, request.get("data"));
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("id", Json.text(result.value));
  return replied(reply);
}

function eventsSubscribe(request: Json): Json {
  const result = events.subscribe(request.get("topic").text, request.get("function").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("id", Json.text(result.value));
  return replied(reply);
}

function eventsUnsubscribe(request: Json): Json {
  const result = events.unsubscribe(request.get("id").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("removed", Json.boolean(result.value));
  return replied(reply);
}

function eventsSubscriptions(request: Json): Json {
  const result = events.subscriptions();
  const error = result.error;
  if (error !== null) return refused(error);
  return replied(Json.object().set("items", Json.list(result.value.map<Json>((one: events.Subscription): Json => one.toJson()))));
}

function tasksSubmit(request: Json): Json {
  const options = new tasks.SubmitOptions();
  if (!request.get("input").isNull) options.input = request.get("input");
  if (!request.get("queue").isNull) options.queue = request.get("queue").text;
  if (!request.get("delay_s").isNull) options.delayS = request.get("delay_s").number;
  if (!request.get("priority").isNull) options.priority = request.get("priority").integer;
  if (!request.get("attempts").isNull) options.attempts = request.get("attempts").integer;
  if (!request.get("timeout_s").isNull) options.timeoutS = request.get("timeout_s").number;
  if (!request.get("key").isNull) options.key = request.get("key").text;
  const result = tasks.submit(request.get("function").text, options);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("id", Json.text(result.value));
  return replied(reply);
}

function tasksGet(request: Json): Json {
  const result = tasks.get(request.get("id").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  const taskValue = result.value;
  if (taskValue !== null) reply.set("task", taskValue.toJson());
  else reply.set("task", Json.none());
  return replied(reply);
}

function tasksList(request: Json): Json {
  const options = new tasks.ListOptions();
  if (!request.get("state").isNull) options.state = request.get("state").text;
  if (!request.get("limit").isNull) options.limit = request.get("limit").integer;
  if (!request.get("cursor").isNull) options.cursor = request.get("cursor").text;
  const result = tasks.list(options);
  const error = result.error;
  if (error !== null) return refused(error);
  return replied(result.value.toJson());
}

function tasksCancel(request: Json): Json {
  const result = tasks.cancel(request.get("id").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("cancelled", Json.boolean(result.value));
  return replied(reply);
}

function memoryStore(request: Json): Json {
  const options = new memory.StoreOptions();
  if (!request.get("tier").isNull) options.tier = request.get("tier").text;
  if (!request.get("importance").isNull) options.importance = request.get("importance").number;
  if (!request.get("embedding").isNull) options.embedding = readNumbers(request.get("embedding"));
  if (!request.get("metadata").isNull) options.metadata = request.get("metadata");
  if (!request.get("said_at").isNull) options.saidAt = request.get("said_at").number;
  if (!request.get("user").isNull) options.user = request.get("user").text;
  if (!request.get("agent").isNull) options.agent = request.get("agent").text;
  if (!request.get("session").isNull) options.session = request.get("session").text;
  if (!request.get("app").isNull) options.app = request.get("app").text;
  const result = memory.store(request.get("text").text, options);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("id", Json.text(result.value));
  return replied(reply);
}

function memoryRecall(request: Json): Json {
  const options = new memory.RecallOptions();
  if (!request.get("text").isNull) options.text = request.get("text").text;
  if (!request.get("embedding").isNull) options.embedding = readNumbers(request.get("embedding"));
  if (!request.get("tiers").isNull) options.tiers = readStrings(request.get("tiers"));
  if (!request.get("limit").isNull) options.limit = request.get("limit").integer;
  if (!request.get("min_score").isNull) options.minScore = request.get("min_score").number;
  if (!request.get("user").isNull) options.user = request.get("user").text;
  if (!request.get("agent").isNull) options.agent = request.get("agent").text;
  if (!request.get("session").isNull) options.session = request.get("session").text;
  if (!request.get("app").isNull) options.app = request.get("app").text;
  if (!request.get("filter").isNull) options.filter = request.get("filter");
  const result = memory.recall(options);
  const error = result.error;
  if (error !== null) return refused(error);
  return replied(Json.object().set("items", Json.list(result.value.map<Json>((one: memory.Item): Json => one.toJson()))));
}

function memoryGet(request: Json): Json {
  const result = memory.get(request.get("id").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  const itemValue = result.value;
  if (itemValue !== null) reply.set("item", itemValue.toJson());
  else reply.set("item", Json.none());
  return replied(reply);
}

function memoryForget(request: Json): Json {
  const result = memory.forget(request.get("id").text);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("forgotten", Json.boolean(result.value));
  return replied(reply);
}

function vectorsCreate(request: Json): Json {
  const options = new vectors.CreateOptions();
  if (!request.get("metric").isNull) options.metric = request.get("metric").text;
  const result = vectors.create(request.get("collection").text, request.get("dimensions").integer, options);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("created", Json.boolean(result.value));
  return replied(reply);
}

function vectorsUpsert(request: Json): Json {
  const result = vectors.upsert(request.get("collection").text, request.get("vectors").items.map<vectors.Vector>((one: Json): vectors.Vector => vectors.Vector.from(one)));
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("count", Json.integer(result.value));
  return replied(reply);
}

function vectorsSearch(request: Json): Json {
  const options = new vectors.SearchOptions();
  if (!request.get("limit").isNull) options.limit = request.get("limit").integer;
  if (!request.get("filter").isNull) options.filter = request.get("filter");
  const result = vectors.search(request.get("collection").text, readNumbers(request.get("values")), options);
  const error = result.error;
  if (error !== null) return refused(error);
  return replied(result.value.toJson());
}

function vectorsDelete(request: Json): Json {
  const result = vectors.remove(request.get("collection").text, readStrings(request.get("ids")));
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("deleted", Json.integer(result.value));
  return replied(reply);
}

function connectorsList(request: Json): Json {
  const result = connectors.list();
  const error = result.error;
  if (error !== null) return refused(error);
  return replied(Json.object().set("connectors", Json.list(result.value.map<Json>((one: connectors.Connector): Json => one.toJson()))));
}

function connectorsCall(request: Json): Json {
  const options = new connectors.CallOptions();
  if (!request.get("input").isNull) options.input = request.get("input");
  const result = connectors.call(request.get("connector").text, request.get("action").text, options);
  const error = result.error;
  if (error !== null) return refused(error);
  const reply = Json.object();
  reply.set("output", result.value);
  return replied(reply);
}
