//! Remember and recall by meaning, words and time.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const std = @import("std");
const core = @import("core.zig");

/// Something remembered.
pub const Item = struct {
    /// given by the host
    id: []const u8,
    /// where it is kept, one of the twelve tiers
    tier: []const u8,
    /// word for word what was stored
    text: []const u8,
    /// 0 to 1
    importance: f64,
    /// seconds since the Unix epoch
    created_at: f64,
    /// what was stored with it
    metadata: std.json.Value,
    /// the probability that it answers, 0 to 1; null outside of a recall
    score: ?f64 = null,
};

/// What may be left out of `store`; `.{}` leaves out all.
pub const StoreOptions = struct {
    /// one of the twelve tiers; `episodic` when left out
    tier: ?[]const u8 = null,
    /// 0 to 1; the host judges when it is left out
    importance: ?f64 = null,
    /// of the text; the host makes one when it is left out
    embedding: ?[]const f64 = null,
    /// at most 16 KiB; `speaker` and `session`, both text, say who said it in which conversation, which helps
    /// recall
    metadata: ?std.json.Value = null,
    /// when it was said, in seconds since the Unix epoch; now when left out
    said_at: ?f64 = null,
    /// the user whose it is; a recall with a user finds what is this user's and nothing else
    user: ?[]const u8 = null,
    /// the agent whose it is
    agent: ?[]const u8 = null,
    /// the session in which it was said
    session: ?[]const u8 = null,
    /// the application whose it is
    app: ?[]const u8 = null,
};

/// Remembers a text and returns its id. The same text again is the same memory. `text`: at most 64 KiB.
pub fn store(text: []const u8, options: StoreOptions) core.Failure![]const u8 {
    var request: core.Request = try .begin();
    try request.field("text", text);
    if (options.tier) |tier| try request.field("tier", tier);
    if (options.importance) |importance| try request.field("importance", importance);
    if (options.embedding) |embedding| try request.field("embedding", embedding);
    if (options.metadata) |metadata| try request.field("metadata", metadata);
    if (options.said_at) |said_at| try request.field("said_at", said_at);
    if (options.user) |user| try request.field("user", user);
    if (options.agent) |agent| try request.field("agent", agent);
    if (options.session) |session| try request.field("session", session);
    if (options.app) |app| try request.field("app", app);
    return (try request.ask(struct { id: []const u8 }, "memory_store_v1")).id;
}

/// What may be left out of `recall`; `.{}` leaves out all.
pub const RecallOptions = struct {
    /// what is looked for; this or `embedding` must be there
    text: ?[]const u8 = null,
    /// of what is looked for
    embedding: ?[]const f64 = null,
    /// where to look; all that are granted when left out
    tiers: ?[]const []const u8 = null,
    /// 1 to 100; 10 when left out
    limit: ?i64 = null,
    /// 0 to 1; only memories that answer with this probability
    min_score: ?f64 = null,
    /// only what is this user's
    user: ?[]const u8 = null,
    /// the agent whose memories are asked for
    agent: ?[]const u8 = null,
    /// the session in which it was said
    session: ?[]const u8 = null,
    /// the application whose memories are asked for
    app: ?[]const u8 = null,
    /// what the metadata must fulfil, such as `{"year": {"$gte": 2020}}`; `docs/memory.md` has the operators
    filter: ?std.json.Value = null,
};

/// The memories that fit best, best first.
pub fn recall(options: RecallOptions) core.Failure![]const Item {
    var request: core.Request = try .begin();
    if (options.text) |text| try request.field("text", text);
    if (options.embedding) |embedding| try request.field("embedding", embedding);
    if (options.tiers) |tiers| try request.field("tiers", tiers);
    if (options.limit) |limit| try request.field("limit", limit);
    if (options.min_score) |min_score| try request.field("min_score", min_score);
    if (options.user) |user| try request.field("user", user);
    if (options.agent) |agent| try request.field("agent", agent);
    if (options.session) |session| try request.field("session", session);
    if (options.app) |app| try request.field("app", app);
    if (options.filter) |filter| try request.field("filter", filter);
    return (try request.ask(struct { items: []const Item }, "memory_recall_v1")).items;
}

/// One memory, or nothing. `id`: what store returned.
pub fn get(id: []const u8) core.Failure!?Item {
    var request: core.Request = try .begin();
    try request.field("id", id);
    return (try request.ask(struct { item: ?Item = null }, "memory_get_v1")).item;
}

/// Forgets a memory; returns whether there was one. `id`: what store returned.
pub fn forget(id: []const u8) core.Failure!bool {
    var request: core.Request = try .begin();
    try request.field("id", id);
    return (try request.ask(struct { forgotten: bool }, "memory_forget_v1")).forgotten;
}
