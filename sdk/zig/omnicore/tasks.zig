//! Run functions of plugins later, with retries.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const std = @import("std");
const core = @import("core.zig");

/// Where a task stands.
pub const State = enum { waiting, running, done, failed, cancelled };

/// A task as it stands.
pub const Task = struct {
    /// given by the host
    id: []const u8,
    /// what it calls
    function: []const u8,
    /// where it stands
    state: State,
    /// how often it was begun
    attempts: i64,
    /// what the function returned, once done
    output: std.json.Value = .null,
    /// why it failed last
    @"error": ?[]const u8 = null,
};

/// Some of the plugin's tasks.
pub const TasksPage = struct {
    /// newest first
    tasks: []const Task,
    /// for the next page; null after the last
    cursor: ?[]const u8 = null,
};

/// What may be left out of `submit`; `.{}` leaves out all.
pub const SubmitOptions = struct {
    /// what the function is called with, at most 64 KiB
    input: ?std.json.Value = null,
    /// `default` when left out
    queue: ?[]const u8 = null,
    /// seconds before it may begin
    delay_s: ?f64 = null,
    /// 0 to 9, higher ones first; 5 when left out
    priority: ?i64 = null,
    /// 1 to 20; 3 when left out
    attempts: ?i64 = null,
    /// for each attempt
    timeout_s: ?f64 = null,
    /// a second task with this key is the first one
    key: ?[]const u8 = null,
};

/// Stores a task and returns its id; the host runs it, also after a restart. `function`: `plugin.function`.
pub fn submit(function: []const u8, options: SubmitOptions) core.Failure![]const u8 {
    var request: core.Request = try .begin();
    try request.field("function", function);
    if (options.input) |input| try request.field("input", input);
    if (options.queue) |queue| try request.field("queue", queue);
    if (options.delay_s) |delay_s| try request.field("delay_s", delay_s);
    if (options.priority) |priority| try request.field("priority", priority);
    if (options.attempts) |attempts| try request.field("attempts", attempts);
    if (options.timeout_s) |timeout_s| try request.field("timeout_s", timeout_s);
    if (options.key) |key| try request.field("key", key);
    return (try request.ask(struct { id: []const u8 }, "tasks_submit_v1")).id;
}

/// A task of this plugin, or nothing. `id`: what submit returned.
pub fn get(id: []const u8) core.Failure!?Task {
    var request: core.Request = try .begin();
    try request.field("id", id);
    return (try request.ask(struct { task: ?Task = null }, "tasks_get_v1")).task;
}

/// What may be left out of `list`; `.{}` leaves out all.
pub const ListOptions = struct {
    /// only those
    state: ?State = null,
    /// 1 to 1000; 100 when left out
    limit: ?i64 = null,
    /// of the page before
    cursor: ?[]const u8 = null,
};

/// The plugin's own tasks, newest first.
pub fn list(options: ListOptions) core.Failure!TasksPage {
    var request: core.Request = try .begin();
    if (options.state) |state| try request.field("state", state);
    if (options.limit) |limit| try request.field("limit", limit);
    if (options.cursor) |cursor| try request.field("cursor", cursor);
    return request.ask(TasksPage, "tasks_list_v1");
}

/// Cancels a task that waits or runs; returns whether it did. `id`: what submit returned.
pub fn cancel(id: []const u8) core.Failure!bool {
    var request: core.Request = try .begin();
    try request.field("id", id);
    return (try request.ask(struct { cancelled: bool }, "tasks_cancel_v1")).cancelled;
}
