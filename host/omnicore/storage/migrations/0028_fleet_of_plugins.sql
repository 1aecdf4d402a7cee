-- Plugins of several hosts on one database.
-- `plugins` is what is decided about a name, for all hosts; `revision` grows with every change, and a change that was
-- made from an older revision is refused. `installed` says that a person brought the newest version, and `contested`
-- why it waits for one. `shares` divides calls among accepted versions. What a host's folder holds is in
-- `plugin_sources`, what a host runs in `plugin_observed`. Tables of one host (SQLite) name it ''.
-- `plugins.signature` and `plugins.verified` remain for hosts of version 0.1.0, which still write them.

ALTER TABLE plugins ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

ALTER TABLE plugins ADD COLUMN installed INTEGER NOT NULL DEFAULT 0;

ALTER TABLE plugins ADD COLUMN contested TEXT NOT NULL DEFAULT '';

ALTER TABLE plugins ADD COLUMN shares TEXT;

ALTER TABLE rollbacks ADD COLUMN host TEXT NOT NULL DEFAULT '';

CREATE TABLE plugin_sources (
    host TEXT,
    path TEXT,
    plugin TEXT NOT NULL,
    signature TEXT NOT NULL,
    hash TEXT,
    sidecar TEXT,
    problem TEXT NOT NULL,
    verified TEXT NOT NULL,
    removed INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (host, path)
);

CREATE INDEX idx_plugin_sources_plugin ON plugin_sources (plugin);

CREATE TABLE plugin_hosts (host TEXT PRIMARY KEY, name TEXT NOT NULL, seen_at REAL NOT NULL);

CREATE TABLE plugin_observed (
    host TEXT,
    plugin TEXT,
    hash TEXT NOT NULL,
    state TEXT NOT NULL,
    error TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (host, plugin, hash)
);

CREATE TABLE module_parts (
    name TEXT,
    part INTEGER,
    data BLOB NOT NULL,
    kept_at REAL NOT NULL,
    PRIMARY KEY (name, part)
);

-- only sqlite:

INSERT INTO plugin_sources (host, path, plugin, signature, hash, sidecar, problem, verified, removed, at)
    SELECT '', path, name, signature, hash, sidecar, problem, verified, 0, changed_at FROM plugins WHERE present = 1;
