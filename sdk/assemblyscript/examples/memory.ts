// Remembers and recalls. Needs a grant for memory.

import { Json, inputText, outputJson, outputText, refuse } from "../sdk/omnicore";
import * as memory from "../sdk/memory";

/** A text -> its id. */
export function remember(): i32 {
  const options = new memory.StoreOptions();
  options.importance = 0.8;
  options.metadata = Json.object().set("by", Json.text("example"));
  const stored = memory.store(inputText(), options);
  const error = stored.error;
  return error === null ? outputText(stored.value) : refuse(error);
}

/** A text -> the three texts that fit best. */
export function recall(): i32 {
  const options = new memory.RecallOptions();
  options.text = inputText();
  options.limit = 3;
  const items = memory.recall(options).value;
  return outputJson(Json.list(items.map<Json>((one: memory.Item): Json => Json.text(one.text))));
}
