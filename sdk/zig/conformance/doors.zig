// Made from specs/doors by `python -m sdk.generate`; change it there.

const std = @import("std");
const omnicore = @import("omnicore");
const core = omnicore;

/// Does what a case asks for. Returns: the reply, as the door itself would write it.
pub fn run(door: []const u8, verb: []const u8, request: []const u8) ![]const u8 {
    const eql = std.mem.eql;
    if (eql(u8, door, "log") and eql(u8, verb, "write")) {
        const in = try read(struct {
            level: omnicore.log.Level,
            message: []const u8,
            fields: ?std.json.Value = null,
        }, request);
        try omnicore.log.write(in.level, in.message, .{ .fields = in.fields });
        return "{}";
    }
    if (eql(u8, door, "config") and eql(u8, verb, "get")) {
        const in = try read(struct { key: []const u8 }, request);
        return written(.{ .value = try omnicore.config.get(in.key) });
    }
    if (eql(u8, door, "config") and eql(u8, verb, "all")) {
        return written(.{ .values = try omnicore.config.all() });
    }
    if (eql(u8, door, "kv") and eql(u8, verb, "get")) {
        const in = try read(struct { key: []const u8 }, request);
        return written(try omnicore.kv.get(in.key) orelse return written(.{ .value = null, .version = null }));
    }
    if (eql(u8, door, "kv") and eql(u8, verb, "put")) {
        const in = try read(struct { key: []const u8, value: core.Bytes, ttl_s: ?f64 = null }, request);
        return written(.{ .version = try omnicore.kv.put(in.key, in.value.data, .{ .ttl_s = in.ttl_s }) });
    }
    if (eql(u8, door, "kv") and eql(u8, verb, "delete")) {
        const in = try read(struct { key: []const u8 }, request);
        return written(.{ .deleted = try omnicore.kv.delete(in.key) });
    }
    if (eql(u8, door, "kv") and eql(u8, verb, "list")) {
        const in = try read(struct {
            prefix: ?[]const u8 = null,
            limit: ?i64 = null,
            cursor: ?[]const u8 = null,
        }, request);
        return written(try omnicore.kv.list(
            .{ .prefix = in.prefix, .limit = in.limit, .cursor = in.cursor },
        ));
    }
    if (eql(u8, door, "kv") and eql(u8, verb, "cas")) {
        const in = try read(struct {
            key: []const u8,
            expected: ?i64 = null,
            value: core.Bytes,
            ttl_s: ?f64 = null,
        }, request);
        return written(try omnicore.kv.cas(
            in.key,
            in.expected,
            in.value.data,
            .{ .ttl_s = in.ttl_s },
        ));
    }
    if (eql(u8, door, "http") and eql(u8, verb, "fetch")) {
        const in = try read(struct {
            url: []const u8,
            method: ?[]const u8 = null,
            headers: ?core.Texts = null,
            body: ?core.Bytes = null,
        }, request);
        return written(try omnicore.http.fetch(
            in.url,
            .{ .method = in.method, .headers = in.headers, .body = in.body },
        ));
    }
    if (eql(u8, door, "events") and eql(u8, verb, "publish")) {
        const in = try read(struct { topic: []const u8, data: std.json.Value }, request);
        return written(.{ .id = try omnicore.events.publish(in.topic, in.data) });
    }
    if (eql(u8, door, "events") and eql(u8, verb, "subscribe")) {
        const in = try read(struct { topic: []const u8, function: []const u8 }, request);
        return written(.{ .id = try omnicore.events.subscribe(in.topic, in.function) });
    }
    if (eql(u8, door, "events") and eql(u8, verb, "unsubscribe")) {
        const in = try read(struct { id: []const u8 }, request);
        return written(.{ .removed = try omnicore.events.unsubscribe(in.id) });
    }
    if (eql(u8, door, "events") and eql(u8, verb, "subscriptions")) {
        return written(.{ .items = try omnicore.events.subscriptions() });
    }
    if (eql(u8, door, "tasks") and eql(u8, verb, "submit")) {
        const in = try read(struct {
            function: []const u8,
            input: ?std.json.Value = null,
            queue: ?[]const u8 = null,
            delay_s: ?f64 = null,
            priority: ?i64 = null,
            attempts: ?i64 = null,
            timeout_s: ?f64 = null,
            key: ?[]const u8 = null,
        }, request);
        return written(.{ .id = try omnicore.tasks.submit(
            in.function,
            .{
                .input = in.input,
                .queue = in.queue,
                .delay_s = in.delay_s,
                .priority = in.priority,
                .attempts = in.attempts,
                .timeout_s = in.timeout_s,
                .key = in.key,
            },
        ) });
    }
    if (eql(u8, door, "tasks") and eql(u8, verb, "get")) {
        const in = try read(struct { id: []const u8 }, request);
        return written(.{ .task = try omnicore.tasks.get(in.id) });
    }
    if (eql(u8, door, "tasks") and eql(u8, verb, "list")) {
        const in = try read(struct {
            state: ?omnicore.tasks.State = null,
            limit: ?i64 = null,
            cursor: ?[]const u8 = null,
        }, request);
        return written(try omnicore.tasks.list(
            .{ .state = in.state, .limit = in.limit, .cursor = in.cursor },
        ));
    }
    if (eql(u8, door, "tasks") and eql(u8, verb, "cancel")) {
        const in = try read(struct { id: []const u8 }, request);
        return written(.{ .cancelled = try omnicore.tasks.cancel(in.id) });
    }
    if (eql(u8, door, "memory") and eql(u8, verb, "store")) {
        const in = try read(struct {
            text: []const u8,
            tier: ?[]const u8 = null,
            importance: ?f64 = null,
            embedding: ?[]const f64 = null,
            metadata: ?std.json.Value = null,
            said_at: ?f64 = null,
            user: ?[]const u8 = null,
            agent: ?[]const u8 = null,
            session: ?[]const u8 = null,
            app: ?[]const u8 = null,
        }, request);
        return written(.{ .id = try omnicore.memory.store(
            in.text,
            .{
                .tier = in.tier,
                .importance = in.importance,
                .embedding = in.embedding,
                .metadata = in.metadata,
                .said_at = in.said_at,
                .user = in.user,
                .agent = in.agent,
                .session = in.session,
                .app = in.app,
            },
        ) });
    }
    if (eql(u8, door, "memory") and eql(u8, verb, "recall")) {
        const in = try read(struct {
            text: ?[]const u8 = null,
            embedding: ?[]const f64 = null,
            tiers: ?[]const []const u8 = null,
            limit: ?i64 = null,
            min_score: ?f64 = null,
            user: ?[]const u8 = null,
            agent: ?[]const u8 = null,
            session: ?[]const u8 = null,
            app: ?[]const u8 = null,
            filter: ?std.json.Value = null,
        }, request);
        return written(.{ .items = try omnicore.memory.recall(
            .{
                .text = in.text,
                .embedding = in.embedding,
                .tiers = in.tiers,
                .limit = in.limit,
                .min_score = in.min_score,
                .user = in.user,
                .agent = in.agent,
                .session = in.session,
                .app = in.app,
                .filter = in.filter,
            },
        ) });
    }
    if (eql(u8, door, "memory") and eql(u8, verb, "get")) {
        const in = try read(struct { id: []const u8 }, request);
        return written(.{ .item = try omnicore.memory.get(in.id) });
    }
    if (eql(u8, door, "memory") and eql(u8, verb, "forget")) {
        const in = try read(struct { id: []const u8 }, request);
        return written(.{ .forgotten = try omnicore.memory.forget(in.id) });
    }
    if (eql(u8, door, "vectors") and eql(u8, verb, "create")) {
        const in = try read(struct {
            collection: []const u8,
            dimensions: i64,
            metric: ?omnicore.vectors.Metric = null,
        }, request);
        return written(.{ .created = try omnicore.vectors.create(
            in.collection,
            in.dimensions,
            .{ .metric = in.metric },
        ) });
    }
    if (eql(u8, door, "vectors") and eql(u8, verb, "upsert")) {
        const in = try read(struct { collection: []const u8, vectors: []const omnicore.vectors.Vector }, request);
        return written(.{ .count = try omnicore.vectors.upsert(in.collection, in.vectors) });
    }
    if (eql(u8, door, "vectors") and eql(u8, verb, "search")) {
        const in = try read(struct {
            collection: []const u8,
            values: []const f64,
            limit: ?i64 = null,
            filter: ?std.json.Value = null,
        }, request);
        return written(try omnicore.vectors.search(
            in.collection,
            in.values,
            .{ .limit = in.limit, .filter = in.filter },
        ));
    }
    if (eql(u8, door, "vectors") and eql(u8, verb, "delete")) {
        const in = try read(struct { collection: []const u8, ids: []const []const u8 }, request);
        return written(.{ .deleted = try omnicore.vectors.delete(in.collection, in.ids) });
    }
    if (eql(u8, door, "connectors") and eql(u8, verb, "list")) {
        return written(.{ .connectors = try omnicore.connectors.list() });
    }
    if (eql(u8, door, "connectors") and eql(u8, verb, "call")) {
        const in = try read(struct {
            connector: []const u8,
            action: []const u8,
            input: ?std.json.Value = null,
        }, request);
        return written(.{ .output = try omnicore.connectors.call(
            in.connector,
            in.action,
            .{ .input = in.input },
        ) });
    }
    return omnicore.fail("there is no {s}.{s}", .{ door, verb });
}

fn read(comptime T: type, text: []const u8) !T {
    return omnicore.parse(T, text);
}

fn written(from: anytype) ![]const u8 {
    return std.json.Stringify.valueAlloc(omnicore.allocator(), from, .{});
}
