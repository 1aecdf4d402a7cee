-- Durable subscriptions, the log of events, and the row by which a host tries that it can write.

CREATE TABLE logs (
    id TEXT PRIMARY KEY,
    topic TEXT NOT NULL,
    source TEXT NOT NULL,
    at REAL NOT NULL,
    hops INTEGER NOT NULL,
    data TEXT NOT NULL
);

CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY,
    plugin TEXT NOT NULL,
    topic TEXT NOT NULL,
    function TEXT NOT NULL,
    created_at REAL NOT NULL
);

CREATE UNIQUE INDEX idx_subscriptions_plugin_topic_function ON subscriptions (plugin, topic, function);

CREATE TABLE heartbeats (name TEXT PRIMARY KEY, at REAL NOT NULL);
