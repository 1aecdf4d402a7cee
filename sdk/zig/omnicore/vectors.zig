//! Keep vectors and find the nearest.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const std = @import("std");
const core = @import("core.zig");

/// How far two vectors are apart.
pub const Metric = enum { cosine, l2, dot };

/// A vector to keep.
pub const Vector = struct {
    /// chosen by the plugin, 1 to 256 bytes; a second one with it replaces the first
    id: []const u8,
    /// as many as the collection has dimensions, all finite
    values: []const f64,
    /// at most 16 KiB
    metadata: ?std.json.Value = null,
};

/// A vector that was found.
pub const Match = struct {
    /// as it was kept
    id: []const u8,
    /// 0 is the same; by the collection's metric
    distance: f64,
    /// as it was kept
    metadata: std.json.Value,
};

/// What a search found.
pub const Matches = struct {
    /// nearest first
    matches: []const Match,
    /// false when an index answered, which may miss some
    exact: bool,
};

/// What may be left out of `create`; `.{}` leaves out all.
pub const CreateOptions = struct {
    /// `cosine` when left out
    metric: ?Metric = null,
};

/// Makes a collection; returns whether it is new. One that is there must have the same shape. `collection`:
/// names of `a-z 0-9 -`. `dimensions`: 1 to 4096.
pub fn create(collection: []const u8, dimensions: i64, options: CreateOptions) core.Failure!bool {
    var request: core.Request = try .begin();
    try request.field("collection", collection);
    try request.field("dimensions", dimensions);
    if (options.metric) |metric| try request.field("metric", metric);
    return (try request.ask(struct { created: bool }, "vectors_create_v1")).created;
}

/// Keeps vectors, all or none; returns how many. `collection`: where to. `vectors`: 1 to 1000.
pub fn upsert(collection: []const u8, vectors: []const Vector) core.Failure!i64 {
    var request: core.Request = try .begin();
    try request.field("collection", collection);
    try request.field("vectors", vectors);
    return (try request.ask(struct { count: i64 }, "vectors_upsert_v1")).count;
}

/// What may be left out of `search`; `.{}` leaves out all.
pub const SearchOptions = struct {
    /// 1 to 1000; 10 when left out
    limit: ?i64 = null,
    /// what the metadata must fulfil: equal values, or operators as in `docs/memory.md`
    filter: ?std.json.Value = null,
};

/// The nearest vectors. `collection`: where to look. `values`: near to what.
pub fn search(collection: []const u8, values: []const f64, options: SearchOptions) core.Failure!Matches {
    var request: core.Request = try .begin();
    try request.field("collection", collection);
    try request.field("values", values);
    if (options.limit) |limit| try request.field("limit", limit);
    if (options.filter) |filter| try request.field("filter", filter);
    return request.ask(Matches, "vectors_search_v1");
}

/// Deletes vectors; returns how many there were. `collection`: where. `ids`: 1 to 1000.
pub fn delete(collection: []const u8, ids: []const []const u8) core.Failure!i64 {
    var request: core.Request = try .begin();
    try request.field("collection", collection);
    try request.field("ids", ids);
    return (try request.ask(struct { deleted: i64 }, "vectors_delete_v1")).deleted;
}
