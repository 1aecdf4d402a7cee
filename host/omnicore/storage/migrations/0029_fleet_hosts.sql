-- Hosts of a fleet, one row for each key pair. `wanted` is what others told a host, `state` what it has come to; a row
-- with `removed_at` stays, so that its key lets nobody in again.

CREATE TABLE fleet_hosts (
    id TEXT,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    address TEXT,
    labels TEXT NOT NULL,
    started_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    state TEXT NOT NULL,
    wanted TEXT NOT NULL,
    load TEXT NOT NULL,
    public_key TEXT NOT NULL,
    removed_at REAL,
    PRIMARY KEY (id)
);
