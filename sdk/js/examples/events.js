// Tells whoever subscribed that something happened.
import { events } from "omnicore";

// From now on the host calls `restock` with each event of shop.*; plugin.toml names it under `subscribe`.
export function begin() {
  return { subscription: events.subscribe("shop.*", "restock") };
}

export function restock(event) {
  return { topic: event.topic, item: event.data.id };
}

export function sold(order) {
  return { event: events.publish("shop.sold", { id: order.id, total: order.total }) };
}
