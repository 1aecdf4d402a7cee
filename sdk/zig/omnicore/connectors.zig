//! Use the services the host is connected to.
// Made from specs/doors by `python -m sdk.generate`; change it there.

const std = @import("std");
const core = @import("core.zig");

/// A service the host is connected to. Its credentials never reach a plugin.
pub const Connector = struct {
    /// chosen by the operator
    name: []const u8,
    /// such as `http`, `postgresql`, `github`
    kind: []const u8,
    /// what it can do and the plugin may ask for
    actions: []const []const u8,
};

/// The connectors the plugin may use.
pub fn list() core.Failure![]const Connector {
    var request: core.Request = try .begin();
    return (try request.ask(struct { connectors: []const Connector }, "connectors_list_v1")).connectors;
}

/// What may be left out of `call`; `.{}` leaves out all.
pub const CallOptions = struct {
    /// what the action takes, at most 1 MiB
    input: ?std.json.Value = null,
};

/// Lets a connector do something and returns what came of it. `connector`: its name. `action`: one of its
/// actions.
pub fn call(connector: []const u8, action: []const u8, options: CallOptions) core.Failure!std.json.Value {
    var request: core.Request = try .begin();
    try request.field("connector", connector);
    try request.field("action", action);
    if (options.input) |input| try request.field("input", input);
    return (try request.ask(struct { output: std.json.Value = .null }, "connectors_call_v1")).output;
}
