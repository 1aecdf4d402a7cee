//! Lets the host call a function later.

const omnicore = @import("omnicore");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "later", .call = later, .doc = "Sends the input as a mail in a minute." }});
}

fn later(text: []const u8) ![]const u8 {
    const mail = try omnicore.value(.{ .text = text });
    return omnicore.tasks.submit("mail.send", .{ .input = mail, .delay_s = 60 });
}
