//! What the host offers to every guest: functions over handles. A handle names a block in the memory that both share
//! and the guest cannot see; 0 is the empty block. specs/abi.md has them all.

const std = @import("std");
const builtin = @import("builtin");
const fake = @import("fake.zig");

/// True in tests on the machine itself.
pub const is_fake = !builtin.target.cpu.arch.isWasm();

const wasm = struct {
    extern "extism:host/env" fn alloc(size: u64) u64;
    extern "extism:host/env" fn free(block: u64) void;
    extern "extism:host/env" fn length(block: u64) u64;
    extern "extism:host/env" fn load_u8(at: u64) u8;
    extern "extism:host/env" fn load_u64(at: u64) u64;
    extern "extism:host/env" fn store_u8(at: u64, byte: u8) void;
    extern "extism:host/env" fn store_u64(at: u64, word: u64) void;
    extern "extism:host/env" fn input_offset() u64;
    extern "extism:host/env" fn input_length() u64;
    extern "extism:host/env" fn output_set(block: u64, size: u64) void;
    extern "extism:host/env" fn error_set(text: u64) void;
    extern "extism:host/env" fn var_get(key: u64) u64;
    extern "extism:host/env" fn var_set(key: u64, bytes: u64) void;
};

const env = if (is_fake) fake.env else wasm;

pub const free = env.free;
pub const length = env.length;
pub const input_offset = env.input_offset;
pub const input_length = env.input_length;
pub const output_set = env.output_set;
pub const error_set = env.error_set;
pub const var_get = env.var_get;
pub const var_set = env.var_set;

/// Calls a function of a door, or one of your host's own. Returns: the handle of the reply.
pub fn door(comptime name: []const u8, request: u64) u64 {
    if (is_fake) return fake.door(name, request);
    const Function = fn (u64) callconv(.c) u64;
    return @extern(*const Function, .{ .name = name, .library_name = "extism:host/user" })(request);
}

/// A new block with these bytes; 0 when there are none, or no room for them.
pub fn store(bytes: []const u8) u64 {
    const block = env.alloc(bytes.len);
    if (block == 0) return 0;
    var at: usize = 0;
    while (at + 8 <= bytes.len) : (at += 8) env.store_u64(block + at, std.mem.readInt(u64, bytes[at..][0..8], .little));
    while (at < bytes.len) : (at += 1) env.store_u8(block + at, bytes[at]);
    return block;
}

/// Copies the bytes of a block.
pub fn load(block: u64, to: []u8) void {
    var at: usize = 0;
    while (at + 8 <= to.len) : (at += 8) std.mem.writeInt(u64, to[at..][0..8], env.load_u64(block + at), .little);
    while (at < to.len) : (at += 1) to[at] = env.load_u8(block + at);
}
