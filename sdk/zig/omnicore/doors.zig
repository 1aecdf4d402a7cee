// Made from specs/doors by `python -m sdk.generate`; change it there.

pub const log = @import("log.zig");
pub const config = @import("config.zig");
pub const kv = @import("kv.zig");
pub const http = @import("http.zig");
pub const events = @import("events.zig");
pub const tasks = @import("tasks.zig");
pub const memory = @import("memory.zig");
pub const vectors = @import("vectors.zig");
pub const connectors = @import("connectors.zig");
