//! Write to the plugin's log.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const std = @import("std");
const core = @import("core.zig");

/// How much a line matters.
pub const Level = enum { trace, debug, info, warn, @"error" };

/// What may be left out of `write`; `.{}` leaves out all.
pub const WriteOptions = struct {
    /// facts about it
    fields: ?std.json.Value = null,
};

/// Writes a line, with its fields as `key=value` after the message. A line is cut at 8 KiB. `level`: how much
/// the line matters. `message`: what happened.
pub fn write(level: Level, message: []const u8, options: WriteOptions) core.Failure!void {
    var request: core.Request = try .begin();
    try request.field("level", level);
    try request.field("message", message);
    if (options.fields) |fields| try request.field("fields", fields);
    _ = try request.ask(struct {}, "log_write_v1");
}
