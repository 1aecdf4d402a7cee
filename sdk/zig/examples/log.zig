//! Writes lines of a log, with facts.

const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "note", .call = note, .doc = "Logs the input." }});
}

fn note(text: []const u8) ![]const u8 {
    const facts = try omnicore.value(.{ .bytes = text.len });
    try omnicore.log.write(.info, "input received", .{ .fields = facts });
    return "noted";
}
