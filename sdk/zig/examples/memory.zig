//! Remembers and recalls.

const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "recall", .call = recall, .doc = "Remembers a text, and gives what is near." }});
}

fn recall(text: []const u8) ![]const u8 {
    const near = try omnicore.memory.recall(.{ .text = text, .limit = 1 });
    _ = try omnicore.memory.store(text, .{ .tier = "session" });
    return if (near.len > 0) near[0].text else "nothing like it";
}
