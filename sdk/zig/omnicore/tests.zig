//! Tests of the kit on the machine itself: `python -m ziglang test omnicore.zig`.

const std = @import("std");
const omnicore = @import("../omnicore.zig");
const schema = @import("schema.zig");

const fake = omnicore.fake;
const expectEqual = std.testing.expectEqual;
const expectError = std.testing.expectError;
const expectText = std.testing.expectEqualStrings;

test "a door is asked with what was given, and no more" {
    fake.reset();
    fake.reply("kv_put_v1", "{\"version\": 12, \"later\": 1}");
    try expectEqual(12, try omnicore.kv.put("k", "v", .{ .ttl_s = 1.5 }));
    try expectText("kv_put_v1", fake.requested());
    try expectText("{\"key\":\"k\",\"value\":\"v\",\"ttl_s\":1.5}", fake.request());
    fake.reply("kv_cas_v1", "{\"swapped\": true, \"version\": 3}");
    try expectEqual(3, (try omnicore.kv.cas("k", null, "", .{})).version);
    try expectText("{\"key\":\"k\",\"expected\":null,\"value\":\"\"}", fake.request());
    try omnicore.log.write(.@"error", "m", .{ .fields = try omnicore.value(.{ .n = 1 }) });
    try expectText("{\"level\":\"error\",\"message\":\"m\",\"fields\":{\"n\":1}}", fake.request());
}

test "nothing is null, and bytes are bytes" {
    fake.reset();
    fake.reply("kv_get_v1", "{\"value\": null, \"version\": null}");
    fake.reply("kv_get_v1", "{\"value\": {\"base64\": \"/wA=\"}, \"version\": 3}");
    try expectEqual(null, try omnicore.kv.get("k"));
    try expectText("\xff\x00", (try omnicore.kv.get("k")).?.value.data);
    fake.reply("kv_put_v1", "{\"version\": 1}");
    _ = try omnicore.kv.put("k", "\xff\x00", .{});
    try expectText("{\"key\":\"k\",\"value\":{\"base64\":\"/wA=\"}}", fake.request());
}

test "headers travel as an object" {
    fake.reset();
    fake.reply("http_fetch_v1", "{\"status\": 404, \"headers\": {\"a\": \"b\"}, \"body\": \"\"}");
    const items: []const omnicore.Texts.Item = &.{.{ .name = "x", .text = "y" }};
    const answer = try omnicore.http.fetch("http://a/", .{ .headers = .{ .items = items } });
    try expectText("{\"url\":\"http://a/\",\"headers\":{\"x\":\"y\"}}", fake.request());
    try expectText("b", answer.headers.get("a").?);
    try expectEqual(404, answer.status);
}

test "a refusal is an error with its text" {
    fake.reset();
    fake.reply("kv_get_v1",
        \\{"error": {"code": "permission-denied", "message": "no grant", "remedy": "grant it", "capability": "kv"}}
    );
    try expectError(error.PermissionDenied, omnicore.kv.get("k"));
    try expectText("kv", omnicore.lastError().?.capability.?);
    try expectError(error.CallFailed, fake.call(look, "k"));
    try expectText("no grant; grant it", fake.failure());
    fake.reply("kv_delete_v1", "nonsense");
    try expectError(error.Unavailable, omnicore.kv.delete("k"));
    fake.reply("kv_list_v1", "{\"error\": {\"code\": \"new-code\"}}");
    try expectError(error.Refused, omnicore.kv.list(.{}));
}

fn look(key: []const u8) !void {
    _ = try omnicore.kv.get(key);
}

test "variables are kept until they are deleted" {
    fake.reset();
    try expectEqual(null, try omnicore.variables.get("a"));
    omnicore.variables.set("a", "one");
    try expectText("one", (try omnicore.variables.get("a")).?);
    omnicore.variables.delete("a");
    try expectEqual(null, try omnicore.variables.get("a"));
}

const Order = struct {
    item: []const u8,
    count: u8 = 1,
    size: enum { small, large } = .small,
    note: ?[]const u8 = null,
    tags: []const []const u8 = &.{},

    pub const docs = .{ .item = "what is \"bought\"" };
};

fn place(order: Order) !struct { total: u32 } {
    if (order.count == 0) return omnicore.fail("{s} is sold out", .{order.item});
    if (order.count == 255) return error.TooMany;
    return .{ .total = @as(u32, order.count) * 2 };
}

test "a typed function takes and gives JSON" {
    try expectText("{\"total\":14}", try fake.call(place, "{\"item\": \"a\", \"count\": 7}"));
    try expectError(error.CallFailed, fake.call(place, "{\"item\": \"tea\", \"count\": 0}"));
    try expectText("tea is sold out", fake.failure());
    try expectError(error.CallFailed, fake.call(place, "{\"item\": \"tea\", \"count\": 255}"));
    try expectText("TooMany", fake.failure());
    try expectError(error.CallFailed, fake.call(place, "{\"count\": 1}"));
    try expectText("the input does not fit: MissingField", fake.failure());
}

test "a type is its schema" {
    try expectText(
        \\{"type":"object","required":["item"],"additionalProperties":false,"properties":{
    ++
        \\"item":{"type":"string","description":"what is \"bought\""},
    ++
        \\"count":{"type":"integer","minimum":0,"maximum":255,"default":1},
    ++
        \\"size":{"enum":["small","large"],"default":"small"},
    ++
        \\"note":{"anyOf":[{"type":"string"},{"type":"null"}]},
    ++
        \\"tags":{"type":"array","items":{"type":"string"}}}}
    , comptime schema.of(Order));
    try expectText("{\"type\":\"integer\",\"minimum\":-128,\"maximum\":127}", comptime schema.of(i8));
    try expectText("{}", comptime schema.of(omnicore.Value));
}

test "functions tell what they take and give" {
    const said = comptime schema.ofFunctions(.{
        .{ .name = "place", .call = place, .doc = "Takes an order." },
        .{ .name = "look", .call = look },
    });
    const functions = (try omnicore.parse(struct { functions: omnicore.Value }, said)).functions.object;
    try expectText("application/json", functions.get("place").?.object.get("output_media").?.string);
    try expectText("text/plain", functions.get("look").?.object.get("input_media").?.string);
    try expectEqual(null, functions.get("look").?.object.get("output"));
}
