//! Reads settings.

const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "settings", .call = settings, .doc = "All settings, or one of them." }});
}

fn settings(key: []const u8) !omnicore.Value {
    return if (key.len == 0) omnicore.config.all() else omnicore.config.get(key);
}
