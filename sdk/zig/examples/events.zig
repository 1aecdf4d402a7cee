//! Tells whoever listens.

const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "announce", .call = announce, .doc = "Publishes the input as an event." }});
}

fn announce(text: []const u8) ![]const u8 {
    return omnicore.events.publish("notes.new", .{ .text = text });
}
