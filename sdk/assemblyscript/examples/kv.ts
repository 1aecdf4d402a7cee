// Counts visits, and forgets a visitor after a day. Needs a grant for kv.

import { Json, NONE, fail, inputJson, outputJson, refuse, textOf, utf8 } from "../sdk/omnicore";
import * as kv from "../sdk/kv";

/** {name} -> {count}; of two visits at once none is lost. */
export function visit(): i32 {
  const key = "visits:" + inputJson().get("name").text;
  const day = new kv.CasOptions();
  day.ttlS = 86400;
  for (let attempt = 0; attempt < 16; attempt++) {
    const found = kv.get(key);
    const error = found.error;
    if (error !== null) return refuse(error);
    const entry = found.value;
    const count: i64 = entry === null ? 1 : I64.parseInt(textOf(entry.value)) + 1;
    const version = entry === null ? NONE : entry.version; // NONE: only if the key is not there yet
    const done = kv.cas(key, version, utf8(count.toString()), day).value;
    if (done.swapped) return outputJson(Json.object().set("count", Json.integer(count)));
  }
  return fail("too many visits at once; try again");
}
