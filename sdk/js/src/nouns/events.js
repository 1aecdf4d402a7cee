// Made from specs/doors by `python -m sdk.generate`; change it there.
// Publish events.
nouns.events = {
  // Hands an event to whoever subscribed; returns its id. At most 100 a second.
  publish(topic, data) {
    return kit.ask("events_publish_v1", { topic, data }).id;
  },
};
