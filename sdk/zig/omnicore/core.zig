//! Memory, errors, and the one place where the kit asks a door.

const std = @import("std");
const host = @import("host.zig");

const Stringify = std.json.Stringify;

var arena: std.heap.ArenaAllocator = .init(if (host.is_fake) std.heap.page_allocator else std.heap.wasm_allocator);

/// Memory that lives until the call ends: nothing has to be freed.
pub fn allocator() std.mem.Allocator {
    return arena.allocator();
}

/// Takes back all memory and forgets what went wrong: a call begins.
pub fn begin() void {
    _ = arena.reset(.retain_capacity);
    refusal = null;
    told = "";
}

/// Why a door did not do what it was asked. `Refused` stands for a code this kit does not know.
pub const Failure = error{
    MalformedRequest,
    PermissionDenied,
    LimitExceeded,
    DeadlineExceeded,
    Unavailable,
    CapacityReached,
    Refused,
    OutOfMemory,
};

const codes = std.StaticStringMap(Failure).initComptime(.{
    .{ "malformed-request", error.MalformedRequest },
    .{ "permission-denied", error.PermissionDenied },
    .{ "limit-exceeded", error.LimitExceeded },
    .{ "deadline-exceeded", error.DeadlineExceeded },
    .{ "unavailable", error.Unavailable },
    .{ "capacity-reached", error.CapacityReached },
});

/// What a door says when it refuses.
pub const DoorError = struct {
    code: []const u8,
    message: []const u8 = "",
    remedy: ?[]const u8 = null,
    capability: ?[]const u8 = null,
    resource: ?[]const u8 = null,
    limit: ?[]const u8 = null,
};

var refusal: ?DoorError = null;
var told: []const u8 = "";

/// What the door said that refused last.
pub fn lastError() ?DoorError {
    return refusal;
}

/// Makes the call fail with a text: `return omnicore.fail("there is no {s}", .{name});`
pub fn fail(comptime format: []const u8, arguments: anytype) error{Failed} {
    told = std.fmt.allocPrint(allocator(), format, arguments) catch format;
    return error.Failed;
}

/// The text for the caller of a function that returned this error.
pub fn textOf(err: anyerror) []const u8 {
    if (err == error.Failed and told.len > 0) return told;
    const refused = refusal orelse return @errorName(err);
    if (err != (codes.get(refused.code) orelse error.Refused)) return @errorName(err);
    const remedy = refused.remedy orelse return refused.message;
    return std.mem.concat(allocator(), u8, &.{ refused.message, "; ", remedy }) catch refused.message;
}

/// Bytes of any kind: text on the way to a door where they are UTF-8, else base64. As the input or output of a
/// function, the bytes as they are.
pub const Bytes = struct {
    data: []const u8,

    pub fn jsonStringify(self: Bytes, json: anytype) !void {
        if (std.unicode.utf8ValidateSlice(self.data)) return json.write(self.data);
        const encoder = std.base64.standard.Encoder;
        const text = allocator().alloc(u8, encoder.calcSize(self.data.len)) catch return error.WriteFailed;
        try json.beginObject();
        try json.objectField("base64");
        try json.write(encoder.encode(text, self.data));
        try json.endObject();
    }

    pub fn jsonParse(gpa: std.mem.Allocator, source: anytype, options: std.json.ParseOptions) !Bytes {
        if (try source.peekNextTokenType() == .string) {
            return .{ .data = try std.json.innerParse([]const u8, gpa, source, options) };
        }
        const wrapped = try std.json.innerParse(struct { base64: []const u8 }, gpa, source, options);
        const decoder = std.base64.standard.Decoder;
        const size = decoder.calcSizeForSlice(wrapped.base64) catch return error.SyntaxError;
        const data = try gpa.alloc(u8, size);
        decoder.decode(data, wrapped.base64) catch return error.SyntaxError;
        return .{ .data = data };
    }
};

/// Texts by their names, such as headers of HTTP.
pub const Texts = struct {
    items: []const Item = &.{},

    pub const Item = struct { name: []const u8, text: []const u8 };

    pub fn get(self: Texts, name: []const u8) ?[]const u8 {
        for (self.items) |item| if (std.mem.eql(u8, item.name, name)) return item.text;
        return null;
    }

    pub fn jsonStringify(self: Texts, json: anytype) !void {
        try json.beginObject();
        for (self.items) |item| {
            try json.objectField(item.name);
            try json.write(item.text);
        }
        try json.endObject();
    }

    pub fn jsonParse(gpa: std.mem.Allocator, source: anytype, options: std.json.ParseOptions) !Texts {
        const map = try std.json.innerParse(std.json.ArrayHashMap([]const u8), gpa, source, options);
        const items = try gpa.alloc(Item, map.map.count());
        for (items, map.map.keys(), map.map.values()) |*item, name, text| item.* = .{ .name = name, .text = text };
        return .{ .items = items };
    }
};

/// Anything that can be written as JSON, as a JSON value: `omnicore.value(.{ .n = 1 })`.
pub fn value(from: anytype) error{OutOfMemory}!std.json.Value {
    const text = try Stringify.valueAlloc(allocator(), from, .{ .emit_null_optional_fields = false });
    return parse(std.json.Value, text) catch error.OutOfMemory;
}

/// JSON as a type; fields it does not have are passed over.
pub fn parse(comptime T: type, text: []const u8) !T {
    const options: std.json.ParseOptions = .{ .ignore_unknown_fields = true, .allocate = .alloc_always };
    return std.json.parseFromSliceLeaky(T, allocator(), text, options);
}

/// A request to a door, written field by field.
pub const Request = struct {
    text: *std.Io.Writer.Allocating,
    json: Stringify,

    pub fn begin() Failure!Request {
        const text = try allocator().create(std.Io.Writer.Allocating);
        text.* = .init(allocator());
        var request: Request = .{
            .text = text,
            .json = .{ .writer = &text.writer, .options = .{ .emit_null_optional_fields = false } },
        };
        request.json.beginObject() catch return error.OutOfMemory;
        return request;
    }

    pub fn field(self: *Request, name: []const u8, with: anytype) Failure!void {
        self.json.objectField(name) catch return error.OutOfMemory;
        self.json.write(with) catch return error.OutOfMemory;
    }

    /// Sends it. Returns: the reply, of which only the fields of `Reply` are read.
    pub fn ask(self: *Request, comptime Reply: type, comptime function: []const u8) Failure!Reply {
        self.json.endObject() catch return error.OutOfMemory;
        const asked = host.store(self.text.written());
        const answered = host.door(function, asked);
        const text = try allocator().alloc(u8, @intCast(host.length(answered)));
        host.load(answered, text);
        host.free(asked);
        host.free(answered);
        try check(text);
        return parse(Reply, text) catch return unreadable();
    }
};

fn check(reply: []const u8) Failure!void {
    const answer = parse(struct { @"error": ?DoorError = null }, reply) catch return unreadable();
    refusal = answer.@"error" orelse return;
    return codes.get(refusal.?.code) orelse error.Refused;
}

fn unreadable() Failure {
    refusal = .{ .code = "unavailable", .message = "the host's reply is not readable" };
    return error.Unavailable;
}

/// Variables of this instance: they live as long as it does.
pub const variables = struct {
    pub fn get(key: []const u8) error{OutOfMemory}!?[]const u8 {
        const block = host.var_get(host.store(key));
        if (block == 0) return null;
        const bytes = try allocator().alloc(u8, @intCast(host.length(block)));
        host.load(block, bytes);
        return bytes;
    }

    pub fn set(key: []const u8, bytes: []const u8) void {
        host.var_set(host.store(key), host.store(bytes));
    }

    pub fn delete(key: []const u8) void {
        host.var_set(host.store(key), 0);
    }
};
