//! Publish events and hear them.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const core = @import("core.zig");

/// A function of the plugin that hears a topic.
pub const Subscription = struct {
    /// given by the host
    id: []const u8,
    /// the pattern
    topic: []const u8,
    /// which is called with each event
    function: []const u8,
};

/// Hands an event to whoever subscribed; returns its id. At most 100 a second. `topic`: to publish: names of
/// `a-z A-Z 0-9 _ -` between dots. `data`: any JSON value of at most 64 KiB.
pub fn publish(topic: []const u8, data: anytype) core.Failure![]const u8 {
    var request: core.Request = try .begin();
    try request.field("topic", topic);
    try request.field("data", data);
    return (try request.ask(struct { id: []const u8 }, "events_publish_v1")).id;
}

/// Lets the host call a function of this plugin with each event; the same again is the same one. `topic`: to
/// subscribe: names, `*` for one of them, a last `**` for all that follow. `function`: takes `{"id", "topic",
/// "data", "source", "at"}` as JSON; what it returns is dropped.
pub fn subscribe(topic: []const u8, function: []const u8) core.Failure![]const u8 {
    var request: core.Request = try .begin();
    try request.field("topic", topic);
    try request.field("function", function);
    return (try request.ask(struct { id: []const u8 }, "events_subscribe_v1")).id;
}

/// Ends a subscription; returns whether there was one. `id`: what subscribe returned.
pub fn unsubscribe(id: []const u8) core.Failure!bool {
    var request: core.Request = try .begin();
    try request.field("id", id);
    return (try request.ask(struct { removed: bool }, "events_unsubscribe_v1")).removed;
}

/// All subscriptions of this plugin, oldest first.
pub fn subscriptions() core.Failure![]const Subscription {
    var request: core.Request = try .begin();
    return (try request.ask(struct { items: []const Subscription }, "events_subscriptions_v1")).items;
}
