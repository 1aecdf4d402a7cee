//! @name@ greets people.

const std = @import("std");
const omnicore = @import("omnicore");

/// The text of a panic reaches the caller.
pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{
        .{ .name = "shout", .call = shout, .doc = "A text in upper case; letters beyond A to Z stay." },
        .{ .name = "greet", .call = greet, .doc = "Greets somebody with the word from the setting `greeting`." },
    });
}

fn shout(text: []const u8) ![]const u8 {
    return std.ascii.allocUpperString(omnicore.allocator(), text);
}

const Greeting = struct {
    name: []const u8,

    pub const docs = .{ .name = "who is greeted" };
};

const Answer = struct { greeting: []const u8 };

fn greet(in: Greeting) !Answer {
    const name = std.mem.trim(u8, in.name, " ");
    if (name.len == 0) return omnicore.fail("the name is blank", .{});
    const word = switch (try omnicore.config.get("greeting")) {
        .string => |text| text,
        else => "Hello",
    };
    return .{ .greeting = try std.fmt.allocPrint(omnicore.allocator(), "{s}, {s}!", .{ word, name }) };
}

test "greet uses the setting" {
    omnicore.fake.reset();
    omnicore.fake.reply("config_get_v1", "{\"value\": \"Good day\"}");
    const answer = try greet(.{ .name = "Ada" });
    try std.testing.expectEqualStrings("Good day, Ada!", answer.greeting);
}

test "a blank name is refused" {
    omnicore.fake.reset();
    try std.testing.expectError(error.CallFailed, omnicore.fake.call(greet, "{\"name\": \" \"}"));
    try std.testing.expectEqualStrings("the name is blank", omnicore.fake.failure());
}
