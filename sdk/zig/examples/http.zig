//! Asks a server.

const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "fetch", .call = fetch, .doc = "The body of a page." }});
}

fn fetch(url: []const u8) !omnicore.Bytes {
    const headers: omnicore.Texts = .{ .items = &.{.{ .name = "accept", .text = "text/html" }} };
    const answer = try omnicore.http.fetch(url, .{ .headers = headers });
    if (answer.status >= 400) return omnicore.fail("the server says {d}", .{answer.status});
    return answer.body;
}
