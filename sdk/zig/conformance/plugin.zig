//! Does what the cases of specs/conformance ask for through the kit's own functions.

const std = @import("std");
const omnicore = @import("omnicore");
const doors = @import("doors.zig");

pub const panic = omnicore.panic;

comptime {
    omnicore.exports(.{.{ .name = "door", .call = door, .doc = "Calls a door as a case says." }});
}

const Case = struct { door: []const u8, verb: []const u8, request: std.json.Value };

fn door(case: Case) !omnicore.Bytes {
    const request = try text(case.request);
    const reply = doors.run(case.door, case.verb, request) catch |err| {
        const refused = omnicore.lastError() orelse return err;
        return .{ .data = try text(.{ .@"error" = refused }) };
    };
    return .{ .data = try std.mem.concat(omnicore.allocator(), u8, &.{ "{\"reply\":", reply, "}" }) };
}

fn text(from: anytype) ![]u8 {
    return std.json.Stringify.valueAlloc(omnicore.allocator(), from, .{ .emit_null_optional_fields = false });
}
