//! JSON Schemas of Zig types, made while compiling.

const std = @import("std");
const core = @import("core.zig");

/// What `__omnicore_describe` says: functions in the shape of a manifest.
pub fn ofFunctions(comptime list: anytype) []const u8 {
    @setEvalBranchQuota(100_000);
    comptime var text: []const u8 = "{\"functions\":{";
    inline for (list, 0..) |one, at| {
        const info = @typeInfo(@TypeOf(one.call)).@"fn";
        const Input = if (info.param_types.len == 0) void else info.param_types[0].?;
        const said = if (@hasField(@TypeOf(one), "doc")) one.doc else "";
        text = text ++ (if (at == 0) "" else ",") ++ quoted(one.name) ++ ":{\"description\":" ++ quoted(said) ++
            side("input", Input) ++ side("output", Payload(info.return_type.?)) ++ "}";
    }
    return text ++ "}}";
}

pub fn isText(comptime T: type) bool {
    return switch (@typeInfo(T)) {
        .pointer => |info| info.child == u8 and info.size == .slice or
            info.size == .one and @typeInfo(info.child) == .array and @typeInfo(info.child).array.child == u8,
        else => false,
    };
}

fn Payload(comptime T: type) type {
    return switch (@typeInfo(T)) {
        .error_union => |info| info.payload,
        else => T,
    };
}

fn side(comptime name: []const u8, comptime T: type) []const u8 {
    if (T == void or T == core.Bytes) return "";
    const media = if (isText(T)) "text/plain" else "application/json";
    return ",\"" ++ name ++ "\":" ++ of(T) ++ ",\"" ++ name ++ "_media\":\"" ++ media ++ "\"";
}

/// The schema of a type. A struct may say more of its fields with `pub const docs = .{ .name = "who is greeted" };`.
pub fn of(comptime T: type) []const u8 {
    if (T == std.json.Value) return "{}";
    if (isText(T)) return "{\"type\":\"string\"}";
    if (T == core.Texts) return "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}";
    return switch (@typeInfo(T)) {
        .bool => "{\"type\":\"boolean\"}",
        .int => |info| integer(info),
        .float => "{\"type\":\"number\"}",
        .optional => |info| "{\"anyOf\":[" ++ of(info.child) ++ ",{\"type\":\"null\"}]}",
        .@"enum" => |info| choices(info),
        .array => |info| listOf(info.child),
        .pointer => |info| if (info.size == .slice) listOf(info.child) else of(info.child),
        .@"struct" => object(T),
        else => "{}",
    };
}

fn listOf(comptime T: type) []const u8 {
    return "{\"type\":\"array\",\"items\":" ++ of(T) ++ "}";
}

fn integer(comptime info: std.lang.Type.Int) []const u8 {
    if (info.bits > 53 and info.signedness == .unsigned) return "{\"type\":\"integer\",\"minimum\":0}";
    if (info.bits > 53) return "{\"type\":\"integer\"}";
    const least = if (info.signedness == .unsigned) 0 else -(1 << (info.bits - 1));
    const most = (1 << (info.bits - @intFromBool(info.signedness == .signed))) - 1;
    return std.fmt.comptimePrint("{{\"type\":\"integer\",\"minimum\":{d},\"maximum\":{d}}}", .{ least, most });
}

fn choices(comptime info: std.lang.Type.Enum) []const u8 {
    comptime var text: []const u8 = "";
    inline for (info.field_names, 0..) |name, at| text = text ++ (if (at == 0) "" else ",") ++ quoted(name);
    return "{\"enum\":[" ++ text ++ "]}";
}

fn object(comptime T: type) []const u8 {
    const info = @typeInfo(T).@"struct";
    comptime var properties: []const u8 = "";
    comptime var required: []const u8 = "";
    inline for (info.field_names, info.field_types, info.field_attrs) |name, Field, attributes| {
        properties = properties ++ (if (properties.len == 0) "" else ",") ++ quoted(name) ++ ":" ++
            with(of(Field), doc(T, name), default(Field, attributes));
        if (attributes.default_value_ptr == null and @typeInfo(Field) != .optional) {
            required = required ++ (if (required.len == 0) "" else ",") ++ quoted(name);
        }
    }
    return "{\"type\":\"object\",\"required\":[" ++ required ++ "],\"additionalProperties\":false,\"properties\":{" ++
        properties ++ "}}";
}

fn doc(comptime T: type, comptime name: []const u8) []const u8 {
    if (!@hasDecl(T, "docs") or !@hasField(@TypeOf(T.docs), name)) return "";
    return "\"description\":" ++ quoted(@field(T.docs, name));
}

fn default(comptime Field: type, comptime attributes: std.lang.Type.Struct.FieldAttributes) []const u8 {
    const given = attributes.defaultValue(Field) orelse return "";
    return switch (@typeInfo(Field)) {
        .bool => "\"default\":" ++ (if (given) "true" else "false"),
        .int => std.fmt.comptimePrint("\"default\":{d}", .{given}),
        .@"enum" => "\"default\":" ++ quoted(@tagName(given)),
        .pointer => if (isText(Field)) "\"default\":" ++ quoted(given) else "",
        else => "",
    };
}

/// A schema with further members.
fn with(comptime schema: []const u8, comptime one: []const u8, comptime other: []const u8) []const u8 {
    comptime var text: []const u8 = schema[0 .. schema.len - 1];
    inline for (.{ one, other }) |more| {
        if (more.len > 0) text = text ++ (if (text.len > 1) "," else "") ++ more;
    }
    return text ++ "}";
}

fn quoted(comptime text: []const u8) []const u8 {
    @setEvalBranchQuota(100_000);
    comptime var out: []const u8 = "\"";
    inline for (text) |c| {
        out = out ++ switch (c) {
            '"' => "\\\"",
            '\\' => "\\\\",
            0...31 => std.fmt.comptimePrint("\\u{x:0>4}", .{c}),
            else => &[_]u8{c},
        };
    }
    return out ++ "\"";
}
