// Uses services the host is connected to, without ever seeing their passwords. Needs a grant for connectors.

import { Json, inputText, outputJson, refuse } from "../sdk/omnicore";
import * as connectors from "../sdk/connectors";

/** The names of the connectors that may be used. */
export function names(): i32 {
  const found = connectors.list().value;
  return outputJson(Json.list(found.map<Json>((one: connectors.Connector): Json => Json.text(one.name))));
}

/** A question in SQL -> what the database `shop` gives. */
export function rows(): i32 {
  const options = new connectors.CallOptions();
  options.input = Json.object().set("sql", Json.text(inputText()));
  const answer = connectors.call("shop", "query", options);
  const error = answer.error;
  return error === null ? outputJson(answer.value) : refuse(error);
}
