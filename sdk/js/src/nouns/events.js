// Made from specs/doors by `python -m sdk.generate`; change it there.
// Publish events and hear them.
nouns.events = {
  // Hands an event to whoever subscribed; returns its id. At most 100 a second.
  publish(topic, data) {
    return kit.ask("events_publish_v1", { topic, data }).id;
  },
  // Lets the host call a function of this plugin with each event; the same again is the same one.
  subscribe(topic, function_) {
    return kit.ask("events_subscribe_v1", { topic, function: function_ }).id;
  },
  // Ends a subscription; returns whether there was one.
  unsubscribe(id) {
    return kit.ask("events_unsubscribe_v1", { id }).removed;
  },
  // All subscriptions of this plugin, oldest first.
  subscriptions() {
    return kit.ask("events_subscriptions_v1", {}).items;
  },
};
