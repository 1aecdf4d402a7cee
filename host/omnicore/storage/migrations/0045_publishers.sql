-- Keys of publishers that the owner trusts, the publishers that names are pinned to, and who signed which version.

CREATE TABLE publisher_keys (
    fingerprint TEXT,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    key_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    trusted_at REAL NOT NULL,
    trusted_by TEXT NOT NULL,
    expires_at REAL,
    revoked_at REAL,
    reason TEXT NOT NULL,
    PRIMARY KEY (fingerprint)
);

CREATE UNIQUE INDEX idx_publisher_keys_name ON publisher_keys (name);

CREATE TABLE publisher_pins (
    plugin TEXT,
    publishers TEXT NOT NULL,
    pinned_at REAL NOT NULL,
    pinned_by TEXT NOT NULL,
    PRIMARY KEY (plugin)
);

CREATE TABLE signed_versions (
    plugin TEXT,
    digest TEXT,
    hash TEXT NOT NULL,
    version TEXT NOT NULL,
    publishers TEXT NOT NULL,
    source TEXT NOT NULL,
    verified_at REAL NOT NULL,
    PRIMARY KEY (plugin, digest)
);
