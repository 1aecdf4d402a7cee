// @name@ greets people.

import * as config from "../sdk/config";
import { Json, fail, inputJson, inputText, outputJson, outputText, refuse } from "../sdk/omnicore";

/** Text in upper case. */
export function shout(): i32 {
  return outputText(inputText().toUpperCase());
}

/** {name} -> {greeting}, with the word from the setting `greeting`. */
export function greet(): i32 {
  const name = inputJson().get("name").text.trim();
  if (name.length == 0) return fail("the name is blank");
  const word = config.get("greeting");
  const error = word.error;
  if (error !== null) return refuse(error);
  const greeting = word.value.isNull ? "Hello" : word.value.text;
  return outputJson(Json.object().set("greeting", Json.text(greeting + ", " + name + "!")));
}
