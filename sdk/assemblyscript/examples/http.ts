// Asks a server. Needs a grant for http with its host.

import { fail, inputJson, outputBytes, refuse, utf8 } from "../sdk/omnicore";
import * as http from "../sdk/http";

/** {url, data} -> the answer's body */
export function post(): i32 {
  const page = inputJson();
  const url = page.get("url").text;
  const options = new http.FetchOptions();
  options.method = "POST";
  const headers = new Map<string, string>();
  headers.set("content-type", "application/json");
  options.headers = headers;
  options.body = utf8(page.get("data").toString());
  const answer = http.fetch(url, options);
  const error = answer.error;
  if (error !== null) return error.code == "unavailable" ? fail(url + " does not answer") : refuse(error);
  const status = answer.value.status;
  return status < 400 ? outputBytes(answer.value.body) : fail(url + " answered with status " + status.toString());
}
