-- What belongs to versions beside their bytes: manifests, decisions, rollbacks under way; and plugins' settings.

CREATE TABLE version_sidecars (plugin TEXT, hash TEXT, sidecar TEXT NOT NULL, PRIMARY KEY (plugin, hash));

CREATE TABLE versions_turned_away (
    plugin TEXT,
    hash TEXT,
    who TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (plugin, hash)
);

CREATE TABLE rollbacks (
    plugin TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    path TEXT NOT NULL,
    signature TEXT NOT NULL,
    at REAL NOT NULL
);

CREATE TABLE plugin_config (
    plugin TEXT,
    key TEXT,
    value TEXT NOT NULL,
    who TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (plugin, key)
);
