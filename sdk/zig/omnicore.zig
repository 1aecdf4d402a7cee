//! The kit for plugins in Zig: `const omnicore = @import("omnicore");`
//!
//! `exports` makes functions callable, `panic` lets panics reach the caller as text; put both into the root file.
//! Each door is a namespace. What functions of the kit return lives until the call ends.

const core = @import("omnicore/core.zig");
const function = @import("omnicore/function.zig");
const doors = @import("omnicore/doors.zig");

pub const log = doors.log;
pub const config = doors.config;
pub const kv = doors.kv;
pub const http = doors.http;
pub const events = doors.events;
pub const tasks = doors.tasks;
pub const memory = doors.memory;
pub const vectors = doors.vectors;
pub const connectors = doors.connectors;

pub const exports = function.exports;
pub const panic = function.panic;
pub const fail = core.fail;

pub const allocator = core.allocator;
pub const value = core.value;
pub const parse = core.parse;
pub const variables = core.variables;

/// Any JSON value.
pub const Value = @import("std").json.Value;
pub const Bytes = core.Bytes;
pub const Texts = core.Texts;
pub const Failure = core.Failure;
pub const DoorError = core.DoorError;
pub const lastError = core.lastError;
/// Asks a door: for those of an application, whose files `omnicore kit` writes.
pub const Request = core.Request;

/// A host for tests on the machine itself; see its file.
pub const fake = @import("omnicore/fake.zig");

test {
    _ = @import("omnicore/tests.zig");
}
