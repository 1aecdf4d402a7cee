-- The catalogue of plugins and the versions that are kept.

CREATE TABLE plugins (
    name TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    signature TEXT NOT NULL,
    hash TEXT,
    manifest TEXT,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    problem TEXT NOT NULL,
    switched_off INTEGER NOT NULL,
    serving TEXT,
    verified TEXT NOT NULL,
    last_error TEXT,
    last_error_at REAL,
    added_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    present INTEGER NOT NULL
);

CREATE TABLE versions (
    plugin TEXT,
    hash TEXT,
    manifest TEXT NOT NULL,
    size INTEGER NOT NULL,
    seen_at REAL NOT NULL,
    PRIMARY KEY (plugin, hash)
);
