// Writes lines to the plugin's log; nobody has to grant that.

import { Json, inputJson, outputText } from "../sdk/omnicore";
import * as log from "../sdk/log";

/** {item, count} -> text */
export function place(): i32 {
  const order = inputJson();
  const options = new log.WriteOptions();
  options.fields = Json.object().set("item", order.get("item")).set("count", order.get("count"));
  log.write(log.Level.Info, "an order came", options);
  if (order.get("count").integer > 50) log.write(log.Level.Warn, "that is a lot");
  return outputText("thank you");
}
