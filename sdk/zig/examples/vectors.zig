//! Keeps vectors and finds the nearest.

const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "nearest", .call = nearest, .doc = "The id of the nearest vector." }});
}

fn nearest(wanted: []const f64) ![]const u8 {
    _ = try omnicore.vectors.create("ways", 3, .{ .metric = .l2 });
    _ = try omnicore.vectors.upsert("ways", &.{
        .{ .id = "east", .values = &.{ 1, 0, 0 } },
        .{ .id = "north", .values = &.{ 0, 1, 0 } },
    });
    const found = try omnicore.vectors.search("ways", wanted, .{ .limit = 1 });
    return if (found.matches.len > 0) found.matches[0].id else omnicore.fail("there is none", .{});
}
