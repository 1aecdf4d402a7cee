// Made from specs/doors by `python -m sdk.generate`; change it there.
// Remember and recall by meaning, words and time.

import { DoorError, NONE, Result, received, refusal, sent, writeNumbers, writeStrings } from "./door";
import { Json } from "./json";

@external("extism:host/user", "memory_store_v1")
declare function memory_store_v1(request: u64): u64;
@external("extism:host/user", "memory_recall_v1")
declare function memory_recall_v1(request: u64): u64;
@external("extism:host/user", "memory_get_v1")
declare function memory_get_v1(request: u64): u64;
@external("extism:host/user", "memory_forget_v1")
declare function memory_forget_v1(request: u64): u64;

/** Something remembered. */
export class Item {
  /** given by the host */
  id: string = "";
  /** where it is kept, one of the twelve tiers */
  tier: string = "";
  /** word for word what was stored */
  text: string = "";
  /** 0 to 1 */
  importance: f64 = 0;
  /** seconds since the Unix epoch */
  createdAt: f64 = 0;
  /** what was stored with it */
  metadata: Json = Json.none();
  /** the probability that it answers, 0 to 1; null outside of a recall (NaN) */
  score: f64 = NaN;

  static from(json: Json): Item {
    const made = new Item();
    made.id = json.get("id").text;
    made.tier = json.get("tier").text;
    made.text = json.get("text").text;
    made.importance = json.get("importance").number;
    made.createdAt = json.get("created_at").number;
    made.metadata = json.get("metadata");
    made.score = json.get("score").isNull ? NaN : json.get("score").number;
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("id", Json.text(this.id));
    json.set("tier", Json.text(this.tier));
    json.set("text", Json.text(this.text));
    json.set("importance", Json.number(this.importance));
    json.set("created_at", Json.number(this.createdAt));
    json.set("metadata", this.metadata);
    if (!isNaN(this.score)) json.set("score", Json.number(this.score));
    else json.set("score", Json.none());
    return json;
  }
}

/** What may be left out of store. */
export class StoreOptions {
  /** one of the twelve tiers; `episodic` when left out */
  tier: string | null = null;
  /** 0 to 1; the host judges when it is left out; NaN leaves it out */
  importance: f64 = NaN;
  /** of the text; the host makes one when it is left out */
  embedding: f64[] | null = null;
  /** at most 16 KiB; `speaker` and `session`, both text, say who said it in which conversation, which helps recall */
  metadata: Json | null = null;
  /** when it was said, in seconds since the Unix epoch; now when left out; NaN leaves it out */
  saidAt: f64 = NaN;
  /** the user whose it is; a recall with a user finds what is this user's and nothing else */
  user: string | null = null;
  /** the agent whose it is */
  agent: string | null = null;
  /** the session in which it was said */
  session: string | null = null;
  /** the application whose it is */
  app: string | null = null;

  write(request: Json): void {
    const tierValue = this.tier;
    if (tierValue !== null) request.set("tier", Json.text(tierValue));
    if (!isNaN(this.importance)) request.set("importance", Json.number(this.importance));
    const embeddingValue = this.embedding;
    if (embeddingValue !== null) request.set("embedding", writeNumbers(embeddingValue));
    const metadataValue = this.metadata;
    if (metadataValue !== null) request.set("metadata", metadataValue);
    if (!isNaN(this.saidAt)) request.set("said_at", Json.number(this.saidAt));
    const userValue = this.user;
    if (userValue !== null) request.set("user", Json.text(userValue));
    const agentValue = this.agent;
    if (agentValue !== null) request.set("agent", Json.text(agentValue));
    const sessionValue = this.session;
    if (sessionValue !== null) request.set("session", Json.text(sessionValue));
    const appValue = this.app;
    if (appValue !== null) request.set("app", Json.text(appValue));
  }
}

/** Remembers a text and returns its id. The same text again is the same memory. */
export function store(text: string, options: StoreOptions | null = null): Result<string> {
  const request = Json.object();
  request.set("text", Json.text(text));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(memory_store_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<string>(error);
  return new Result<string>(reply.get("id").text, null);
}

/** What may be left out of recall. */
export class RecallOptions {
  /** what is looked for; this or `embedding` must be there */
  text: string | null = null;
  /** of what is looked for */
  embedding: f64[] | null = null;
  /** where to look; all that are granted when left out */
  tiers: string[] | null = null;
  /** 1 to 100; 10 when left out; NONE leaves it out */
  limit: i64 = NONE;
  /** 0 to 1; only memories that answer with this probability; NaN leaves it out */
  minScore: f64 = NaN;
  /** only what is this user's */
  user: string | null = null;
  /** the agent whose memories are asked for */
  agent: string | null = null;
  /** the session in which it was said */
  session: string | null = null;
  /** the application whose memories are asked for */
  app: string | null = null;
  /** what the metadata must fulfil, such as `{"year": {"$gte": 2020}}`; `docs/memory.md` has the operators */
  filter: Json | null = null;

  write(request: Json): void {
    const textValue = this.text;
    if (textValue !== null) request.set("text", Json.text(textValue));
    const embeddingValue = this.embedding;
    if (embeddingValue !== null) request.set("embedding", writeNumbers(embeddingValue));
    const tiersValue = this.tiers;
    if (tiersValue !== null) request.set("tiers", writeStrings(tiersValue));
    if (this.limit != NONE) request.set("limit", Json.integer(this.limit));
    if (!isNaN(this.minScore)) request.set("min_score", Json.number(this.minScore));
    const userValue = this.user;
    if (userValue !== null) request.set("user", Json.text(userValue));
    const agentValue = this.agent;
    if (agentValue !== null) request.set("agent", Json.text(agentValue));
    const sessionValue = this.session;
    if (sessionValue !== null) request.set("session", Json.text(sessionValue));
    const appValue = this.app;
    if (appValue !== null) request.set("app", Json.text(appValue));
    const filterValue = this.filter;
    if (filterValue !== null) request.set("filter", filterValue);
  }
}

/** The memories that fit best, best first. */
export function recall(options: RecallOptions | null = null): Result<Item[]> {
  const request = Json.object();
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(memory_recall_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Item[]>(error);
  return new Result<Item[]>(reply.get("items").items.map<Item>((one: Json): Item => Item.from(one)), null);
}

/** One memory, or nothing. */
export function get(id: string): Result<Item | null> {
  const request = Json.object();
  request.set("id", Json.text(id));
  const block = sent(request);
  const reply = received(memory_get_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Item | null>(error);
  return new Result<Item | null>(reply.get("item").isNull ? null : Item.from(reply.get("item")), null);
}

/** Forgets a memory; returns whether there was one. */
export function forget(id: string): Result<bool> {
  const request = Json.object();
  request.set("id", Json.text(id));
  const block = sent(request);
  const reply = received(memory_forget_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<bool>(error);
  return new Result<bool>(reply.get("forgotten").isTrue, null);
}
