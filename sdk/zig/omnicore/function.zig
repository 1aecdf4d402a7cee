//! Functions that can be called: typed ones as exports, with their schemas for the host.

const std = @import("std");
const core = @import("core.zig");
const host = @import("host.zig");
const schema = @import("schema.zig");

/// Exports functions, and tells the host what they take and give:
///
///     comptime {
///         omnicore.exports(.{
///             .{ .name = "greet", .call = greet, .doc = "Greets somebody." },
///         });
///     }
///
/// A function takes nothing or one thing: `[]const u8` is text, `omnicore.Bytes` any bytes, all else JSON. What it
/// gives goes the same way; an error it returns is the error text of the call.
pub fn exports(comptime list: anytype) void {
    if (host.is_fake) return;
    inline for (list) |one| {
        const Export = struct {
            fn run() callconv(.c) i32 {
                return invoke(one.call);
            }
        };
        @export(&Export.run, .{ .name = one.name });
    }
    const Describe = struct {
        const text: []const u8 = schema.ofFunctions(list);

        fn run() callconv(.c) i32 {
            host.output_set(host.store(text), text.len);
            return 0;
        }
    };
    @export(&Describe.run, .{ .name = "__omnicore_describe" });
}

/// Calls a function with the input of this call. Returns: 0, or 1 with the error set.
pub fn invoke(comptime function: anytype) i32 {
    core.begin();
    run(function) catch |err| {
        host.error_set(host.store(core.textOf(err)));
        return 1;
    };
    return 0;
}

fn run(comptime function: anytype) !void {
    const info = @typeInfo(@TypeOf(function)).@"fn";
    const returned = if (info.param_types.len == 0) function() else function(try input(info.param_types[0].?));
    const given = if (@typeInfo(@TypeOf(returned)) == .error_union) try returned else returned;
    try output(given);
}

fn input(comptime T: type) !T {
    const bytes = try core.allocator().alloc(u8, @intCast(host.input_length()));
    host.load(host.input_offset(), bytes);
    if (T == []const u8 or T == []u8) return bytes;
    if (T == core.Bytes) return .{ .data = bytes };
    return core.parse(T, bytes) catch |err| core.fail("the input does not fit: {s}", .{@errorName(err)});
}

fn output(given: anytype) !void {
    const T = @TypeOf(given);
    if (T == void) return;
    const bytes: []const u8 = if (comptime schema.isText(T))
        given
    else if (T == core.Bytes)
        given.data
    else
        try std.json.Stringify.valueAlloc(core.allocator(), given, .{ .emit_null_optional_fields = false });
    host.output_set(host.store(bytes), bytes.len);
}

/// With `pub const panic = omnicore.panic;` in the root file, the text of a panic is the error of the call.
pub const panic = std.debug.FullPanic(panicked);

fn panicked(message: []const u8, _: ?usize) noreturn {
    host.error_set(host.store(message));
    @trap();
}
