//! Counts in the host: two callers at once lose no step.

const std = @import("std");
const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "count", .call = count, .doc = "Adds one to the counter that the input names." }});
}

fn count(key: []const u8) !i64 {
    for (0..10) |_| {
        const entry = try omnicore.kv.get(key);
        const now = if (entry) |one| try std.fmt.parseInt(i64, one.value.data, 10) else 0;
        const next = try std.fmt.allocPrint(omnicore.allocator(), "{d}", .{now + 1});
        const expected = if (entry) |one| one.version else null;
        if ((try omnicore.kv.cas(key, expected, next, .{})).swapped) return now + 1;
    }
    return omnicore.fail("somebody else was always faster", .{});
}
