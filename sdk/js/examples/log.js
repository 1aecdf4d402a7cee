// Lines in the plugin's log: as console writes them, or with facts of their own.
import { log } from "omnicore";

export function work(order) {
  console.info("order %s has %d items", order.id, order.items.length);
  log.write("warn", "the order is late", { fields: { id: order.id, days: 3 } });
  return "done";
}
