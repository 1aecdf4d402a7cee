// The conformance plugin: calls every door through the kit's own functions. See specs/conformance.

import { fail, inputJson, outputJson } from "../../omnicore";
import { dispatch } from "./dispatch";

export function door(): i32 {
  const asked = inputJson();
  const verb = asked.get("door").text + "." + asked.get("verb").text;
  const answer = dispatch(verb, asked.get("request"));
  return answer === null ? fail("there is no verb " + verb) : outputJson(answer);
}
