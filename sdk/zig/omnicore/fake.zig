//! A host for tests of a plugin on the machine itself, with `zig test`:
//!
//!     test "greet uses the setting" {
//!         omnicore.fake.reset();
//!         omnicore.fake.reply("config_get_v1", "{\"value\": \"Hi\"}");
//!         const output = try omnicore.fake.call(greet, "{\"name\": \"Ada\"}");
//!         try std.testing.expectEqualStrings("{\"greeting\":\"Hi, Ada!\"}", output);
//!     }

const std = @import("std");
const function = @import("function.zig");

const Answer = struct { door: []const u8, reply: []const u8 };
const Variable = struct { name: []const u8, bytes: u64 };

var answers: [64]Answer = undefined;
var answer_count: usize = 0;
var kept: [64]Variable = undefined;
var kept_count: usize = 0;
var input: u64 = 0;
var output: []const u8 = "";
var told: u64 = 0;
var asked_door: []const u8 = "";
var asked: u64 = 0;

/// Forgets all that was prepared and done.
pub fn reset() void {
    answer_count = 0;
    kept_count = 0;
    told = 0;
    asked = 0;
    asked_door = "";
}

/// Prepares an answer of a door. Several for the same one are given in order, the last again and again; a door without
/// any answers with an empty object.
pub fn reply(name: []const u8, text: []const u8) void {
    answers[answer_count] = .{ .door = name, .reply = text };
    answer_count += 1;
}

/// Calls a function as the host would. Returns: its output, or error.CallFailed, and `failure` tells why.
pub fn call(comptime callee: anytype, text: []const u8) error{CallFailed}![]const u8 {
    input = block(text);
    output = "";
    told = 0;
    return if (function.invoke(callee) == 0 and told == 0) output else error.CallFailed;
}

/// The error text of the last call.
pub fn failure() []const u8 {
    return bytesOf(told);
}

/// The last request to a door, as JSON.
pub fn request() []const u8 {
    return bytesOf(asked);
}

/// The function of a door that was called last.
pub fn requested() []const u8 {
    return asked_door;
}

pub fn door(name: []const u8, request_block: u64) u64 {
    asked_door = name;
    asked = request_block;
    for (answers[0..answer_count], 0..) |one, at| {
        if (!std.mem.eql(u8, one.door, name)) continue;
        for (answers[at + 1 .. answer_count]) |later| {
            if (std.mem.eql(u8, later.door, name)) answers[at].door = "";
        }
        return block(one.reply);
    }
    return block("{}");
}

// A block is an address; its length stands before it.
fn block(bytes: []const u8) u64 {
    const at = env.alloc(bytes.len);
    if (at != 0) @memcpy(memory(at, bytes.len), bytes);
    return at;
}

fn bytesOf(at: u64) []const u8 {
    return if (at == 0) "" else memory(at, env.length(at));
}

fn memory(at: u64, size: u64) []u8 {
    return @as([*]u8, @ptrFromInt(@as(usize, @intCast(at))))[0..@intCast(size)];
}

pub const env = struct {
    pub fn alloc(size: u64) u64 {
        if (size == 0) return 0;
        const whole = std.heap.page_allocator.alloc(u8, @intCast(size + 8)) catch return 0;
        std.mem.writeInt(u64, whole[0..8], size, .little);
        return @intFromPtr(whole.ptr) + 8;
    }

    pub fn free(_: u64) void {}

    pub fn length(at: u64) u64 {
        return if (at == 0) 0 else std.mem.readInt(u64, memory(at - 8, 8)[0..8], .little);
    }

    pub fn load_u8(at: u64) u8 {
        return memory(at, 1)[0];
    }

    pub fn load_u64(at: u64) u64 {
        return std.mem.readInt(u64, memory(at, 8)[0..8], .little);
    }

    pub fn store_u8(at: u64, byte: u8) void {
        memory(at, 1)[0] = byte;
    }

    pub fn store_u64(at: u64, word: u64) void {
        std.mem.writeInt(u64, memory(at, 8)[0..8], word, .little);
    }

    pub fn input_offset() u64 {
        return input;
    }

    pub fn input_length() u64 {
        return length(input);
    }

    pub fn output_set(at: u64, size: u64) void {
        output = if (at == 0) "" else memory(at, size);
    }

    pub fn error_set(text: u64) void {
        told = text;
    }

    pub fn var_get(key: u64) u64 {
        for (kept[0..kept_count]) |one| if (std.mem.eql(u8, one.name, bytesOf(key))) return one.bytes;
        return 0;
    }

    pub fn var_set(key: u64, bytes: u64) void {
        for (kept[0..kept_count]) |*one| {
            if (std.mem.eql(u8, one.name, bytesOf(key))) {
                one.bytes = bytes;
                return;
            }
        }
        kept[kept_count] = .{ .name = bytesOf(key), .bytes = bytes };
        kept_count += 1;
    }
};
