// Made from specs/doors by `python -m sdk.generate`; change it there.
// Send HTTP requests.

import { readBytes, writeBytes } from "./bytes";
import { DoorError, Result, readTexts, received, refusal, sent, writeTexts } from "./door";
import { Json } from "./json";

@external("extism:host/user", "http_fetch_v1")
declare function http_fetch_v1(request: u64): u64;

/** An answer; a status of 400 and above is one, too. */
export class Response {
  /** 100 to 599 */
  status: i64 = 0;
  /** by lower-case names, repeated ones joined by `, ` */
  headers: Map<string, string> = new Map();
  /** as it came */
  body: Uint8Array = new Uint8Array(0);

  static from(json: Json): Response {
    const made = new Response();
    made.status = json.get("status").integer;
    made.headers = readTexts(json.get("headers"));
    made.body = readBytes(json.get("body"));
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("status", Json.integer(this.status));
    json.set("headers", writeTexts(this.headers));
    json.set("body", writeBytes(this.body));
    return json;
  }
}

/** What may be left out of fetch. */
export class FetchOptions {
  /** GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; GET when left out */
  method: string | null = null;
  /** those of the connection itself are the host's */
  headers: Map<string, string> | null = null;
  /** what is sent */
  body: Uint8Array | null = null;

  write(request: Json): void {
    const methodValue = this.method;
    if (methodValue !== null) request.set("method", Json.text(methodValue));
    const headersValue = this.headers;
    if (headersValue !== null) request.set("headers", writeTexts(headersValue));
    const bodyValue = this.body;
    if (bodyValue !== null) request.set("body", writeBytes(bodyValue));
  }
}

/** Sends a request and waits for the whole answer. */
export function fetch(url: string, options: FetchOptions | null = null): Result<Response> {
  const request = Json.object();
  request.set("url", Json.text(url));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(http_fetch_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Response>(error);
  return new Result<Response>(Response.from(reply), null);
}
