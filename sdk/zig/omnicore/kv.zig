//! Keep keys and values between calls.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const core = @import("core.zig");

/// A value and its version.
pub const Entry = struct {
    /// what was put
    value: core.Bytes,
    /// changes with every write
    version: i64,
};

/// Some of the keys.
pub const Page = struct {
    /// in the order of their bytes
    keys: []const []const u8,
    /// for the next page; null after the last
    cursor: ?[]const u8 = null,
};

/// What a conditional write did.
pub const Swap = struct {
    /// whether the value was written
    swapped: bool,
    /// the one that stands now; null when there is no value
    version: ?i64 = null,
};

/// The value of a key, or nothing. `key`: 1 to 512 bytes of UTF-8.
pub fn get(key: []const u8) core.Failure!?Entry {
    var request: core.Request = try .begin();
    try request.field("key", key);
    const reply = try request.ask(struct { value: ?core.Bytes = null, version: ?i64 = null }, "kv_get_v1");
    return .{ .value = reply.value orelse return null, .version = reply.version orelse return null };
}

/// What may be left out of `put`; `.{}` leaves out all.
pub const PutOptions = struct {
    /// seconds after which the value is gone
    ttl_s: ?f64 = null,
};

/// Writes a value and returns its new version. `key`: 1 to 512 bytes of UTF-8. `value`: at most 256 KiB.
pub fn put(key: []const u8, value: []const u8, options: PutOptions) core.Failure!i64 {
    var request: core.Request = try .begin();
    try request.field("key", key);
    try request.field("value", core.Bytes{ .data = value });
    if (options.ttl_s) |ttl_s| try request.field("ttl_s", ttl_s);
    return (try request.ask(struct { version: i64 }, "kv_put_v1")).version;
}

/// Deletes a key; returns whether there was something. `key`: 1 to 512 bytes of UTF-8.
pub fn delete(key: []const u8) core.Failure!bool {
    var request: core.Request = try .begin();
    try request.field("key", key);
    return (try request.ask(struct { deleted: bool }, "kv_delete_v1")).deleted;
}

/// What may be left out of `list`; `.{}` leaves out all.
pub const ListOptions = struct {
    /// how the keys begin
    prefix: ?[]const u8 = null,
    /// 1 to 1000; 100 when left out
    limit: ?i64 = null,
    /// of the page before
    cursor: ?[]const u8 = null,
};

/// A page of keys, in the order of their bytes.
pub fn list(options: ListOptions) core.Failure!Page {
    var request: core.Request = try .begin();
    if (options.prefix) |prefix| try request.field("prefix", prefix);
    if (options.limit) |limit| try request.field("limit", limit);
    if (options.cursor) |cursor| try request.field("cursor", cursor);
    return request.ask(Page, "kv_list_v1");
}

/// What may be left out of `cas`; `.{}` leaves out all.
pub const CasOptions = struct {
    /// seconds after which the value is gone
    ttl_s: ?f64 = null,
};

/// Writes only if the version is still the expected one, or with null only if the key does not exist. `key`:
/// 1 to 512 bytes of UTF-8. `expected`: the version that was read; null for a new key. `value`: at most 256
/// KiB.
pub fn cas(key: []const u8, expected: ?i64, value: []const u8, options: CasOptions) core.Failure!Swap {
    var request: core.Request = try .begin();
    try request.field("key", key);
    try request.field("expected", expected);
    try request.field("value", core.Bytes{ .data = value });
    if (options.ttl_s) |ttl_s| try request.field("ttl_s", ttl_s);
    return request.ask(Swap, "kv_cas_v1");
}
