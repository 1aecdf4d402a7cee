//! Publish events.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const core = @import("core.zig");

/// Hands an event to whoever subscribed; returns its id. At most 100 a second. `topic`: names of `a-z A-Z 0-9
/// _ -` between dots. `data`: any JSON value of at most 64 KiB.
pub fn publish(topic: []const u8, data: anytype) core.Failure![]const u8 {
    var request: core.Request = try .begin();
    try request.field("topic", topic);
    try request.field("data", data);
    return (try request.ask(struct { id: []const u8 }, "events_publish_v1")).id;
}
