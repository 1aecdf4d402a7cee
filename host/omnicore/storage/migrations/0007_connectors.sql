-- Connectors, sealed credentials, webhooks and their deliveries.

CREATE TABLE connectors (
    name TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    credentials TEXT NOT NULL,
    limits TEXT NOT NULL,
    version INTEGER NOT NULL,
    added_at REAL NOT NULL,
    changed_at REAL NOT NULL
);

CREATE TABLE connector_uses (
    id TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    action TEXT NOT NULL,
    who TEXT NOT NULL,
    at REAL NOT NULL,
    took_s REAL,
    attempts INTEGER NOT NULL,
    outcome TEXT NOT NULL
);

CREATE INDEX idx_connector_uses_connector_id ON connector_uses (connector, id);

CREATE INDEX idx_connector_uses_at ON connector_uses (at);

CREATE TABLE vault_keys (
    id TEXT PRIMARY KEY,
    wrapped BLOB NOT NULL,
    master TEXT NOT NULL,
    retired INTEGER NOT NULL,
    made_at REAL NOT NULL
);

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    data_key TEXT NOT NULL,
    sealed BLOB NOT NULL,
    changed_at REAL NOT NULL
);

CREATE INDEX idx_secrets_data_key ON secrets (data_key);

CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    connector TEXT,
    rule TEXT NOT NULL,
    secret TEXT NOT NULL,
    window_s REAL NOT NULL,
    added_at REAL NOT NULL
);

CREATE UNIQUE INDEX idx_webhooks_name ON webhooks (name);

CREATE TABLE webhook_deliveries (
    id TEXT PRIMARY KEY,
    hook TEXT NOT NULL,
    dedupe TEXT NOT NULL,
    event TEXT NOT NULL,
    media TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    received_at REAL NOT NULL,
    published_at REAL
);

CREATE INDEX idx_webhook_deliveries_hook_id ON webhook_deliveries (hook, id);

CREATE INDEX idx_webhook_deliveries_state_id ON webhook_deliveries (state, id);

CREATE INDEX idx_webhook_deliveries_received_at ON webhook_deliveries (received_at);

CREATE UNIQUE INDEX idx_webhook_deliveries_hook_dedupe ON webhook_deliveries (hook, dedupe);
