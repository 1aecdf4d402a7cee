-- Browsers in which users have logged in. Only digests of their keys are kept.

CREATE TABLE devices (digest TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at REAL NOT NULL, seen_at REAL NOT NULL);

CREATE INDEX idx_devices_user_id_seen_at ON devices (user_id, seen_at);
