// Tells whoever subscribed that something happened.
import { events } from "omnicore";

export function sold(order) {
  return { event: events.publish("shop.sold", { id: order.id, total: order.total }) };
}
