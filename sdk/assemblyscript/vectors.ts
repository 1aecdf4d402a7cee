// Made from specs/doors by `python -m sdk.generate`; change it there.
// Keep vectors and find the nearest.

import { DoorError, NONE, Result, readNumbers, received, refusal, sent, writeNumbers, writeStrings } from "./door";
import { Json } from "./json";

@external("extism:host/user", "vectors_create_v1")
declare function vectors_create_v1(request: u64): u64;
@external("extism:host/user", "vectors_upsert_v1")
declare function vectors_upsert_v1(request: u64): u64;
@external("extism:host/user", "vectors_search_v1")
declare function vectors_search_v1(request: u64): u64;
@external("extism:host/user", "vectors_delete_v1")
declare function vectors_delete_v1(request: u64): u64;

/** How far two vectors are apart. */
export abstract class Metric {
  static readonly Cosine: string = "cosine";
  static readonly L2: string = "l2";
  static readonly Dot: string = "dot";
}

/** A vector to keep. */
export class Vector {
  /** chosen by the plugin, 1 to 256 bytes; a second one with it replaces the first */
  id: string = "";
  /** as many as the collection has dimensions, all finite */
  values: f64[] = [];
  /** at most 16 KiB */
  metadata: Json | null = null;

  static from(json: Json): Vector {
    const made = new Vector();
    made.id = json.get("id").text;
    made.values = readNumbers(json.get("values"));
    made.metadata = json.get("metadata");
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("id", Json.text(this.id));
    json.set("values", writeNumbers(this.values));
    const metadataValue = this.metadata;
    if (metadataValue !== null) json.set("metadata", metadataValue);
    return json;
  }
}

/** A vector that was found. */
export class Match {
  /** as it was kept */
  id: string = "";
  /** 0 is the same; by the collection's metric */
  distance: f64 = 0;
  /** as it was kept */
  metadata: Json = Json.none();

  static from(json: Json): Match {
    const made = new Match();
    made.id = json.get("id").text;
    made.distance = json.get("distance").number;
    made.metadata = json.get("metadata");
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("id", Json.text(this.id));
    json.set("distance", Json.number(this.distance));
    json.set("metadata", this.metadata);
    return json;
  }
}

/** What a search found. */
export class Matches {
  /** nearest first */
  matches: Match[] = [];
  /** false when an index answered, which may miss some */
  exact: bool = false;

  static from(json: Json): Matches {
    const made = new Matches();
    made.matches = json.get("matches").items.map<Match>((one: Json): Match => Match.from(one));
    made.exact = json.get("exact").isTrue;
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("matches", Json.list(this.matches.map<Json>((one: Match): Json => one.toJson())));
    json.set("exact", Json.boolean(this.exact));
    return json;
  }
}

/** What may be left out of create. */
export class CreateOptions {
  /** `cosine` when left out */
  metric: string | null = null;

  write(request: Json): void {
    const metricValue = this.metric;
    if (metricValue !== null) request.set("metric", Json.text(metricValue));
  }
}

/** Makes a collection; returns whether it is new. One that is there must have the same shape. */
export function create(collection: string, dimensions: i64, options: CreateOptions | null = null): Result<bool> {
  const request = Json.object();
  request.set("collection", Json.text(collection));
  request.set("dimensions", Json.integer(dimensions));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(vectors_create_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<bool>(error);
  return new Result<bool>(reply.get("created").isTrue, null);
}

/** Keeps vectors, all or none; returns how many. */
export function upsert(collection: string, vectors: Vector[]): Result<i64> {
  const request = Json.object();
  request.set("collection", Json.text(collection));
  request.set("vectors", Json.list(vectors.map<Json>((one: Vector): Json => one.toJson())));
  const block = sent(request);
  const reply = received(vectors_upsert_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<i64>(error);
  return new Result<i64>(reply.get("count").integer, null);
}

/** What may be left out of search. */
export class SearchOptions {
  /** 1 to 1000; 10 when left out; NONE leaves it out */
  limit: i64 = NONE;
  /** what the metadata must fulfil: equal values, or operators as in `docs/memory.md` */
  filter: Json | null = null;

  write(request: Json): void {
    if (this.limit != NONE) request.set("limit", Json.integer(this.limit));
    const filterValue = this.filter;
    if (filterValue !== null) request.set("filter", filterValue);
  }
}

/** The nearest vectors. */
export function search(collection: string, values: f64[], options: SearchOptions | null = null): Result<Matches> {
  const request = Json.object();
  request.set("collection", Json.text(collection));
  request.set("values", writeNumbers(values));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(vectors_search_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Matches>(error);
  return new Result<Matches>(Matches.from(reply), null);
}

/** Deletes vectors; returns how many there were. */
export function remove(collection: string, ids: string[]): Result<i64> {
  const request = Json.object();
  request.set("collection", Json.text(collection));
  request.set("ids", writeStrings(ids));
  const block = sent(request);
  const reply = received(vectors_delete_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<i64>(error);
  return new Result<i64>(reply.get("deleted").integer, null);
}
