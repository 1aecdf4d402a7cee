// Reads the plugin's settings; nobody has to grant that.

import { inputText, outputText } from "../sdk/omnicore";
import * as config from "../sdk/config";

/** A text with a signature, setting `signature`. Setting `loud`: in upper case. */
export function sign(): i32 {
  const signature = config.get("signature").value; // a refusal ends the call here, with its words
  const signed = inputText() + "\n" + (signature.isNull ? "Yours" : signature.text);
  return outputText(config.get("loud").value.isTrue ? signed.toUpperCase() : signed);
}
