//! Read the plugin's settings.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const std = @import("std");
const core = @import("core.zig");

/// One setting, checked against the `[config]` schema of the manifest, defaults included. `key`: the
/// setting's name.
pub fn get(key: []const u8) core.Failure!std.json.Value {
    var request: core.Request = try .begin();
    try request.field("key", key);
    return (try request.ask(struct { value: std.json.Value = .null }, "config_get_v1")).value;
}

/// All settings.
pub fn all() core.Failure!std.json.Value {
    var request: core.Request = try .begin();
    return (try request.ask(struct { values: std.json.Value }, "config_get_v1")).values;
}
