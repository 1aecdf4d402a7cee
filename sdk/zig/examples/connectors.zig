//! Uses a service the host is connected to.

const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "issues", .call = issues, .doc = "Asks the first connector for what it has." }});
}

fn issues() !omnicore.Value {
    const all = try omnicore.connectors.list();
    if (all.len == 0) return omnicore.fail("no connector was granted", .{});
    const input = try omnicore.value(.{ .limit = 5 });
    return omnicore.connectors.call(all[0].name, "list", .{ .input = input });
}
