-- Where the versions of plugins came from that were installed as packages.

CREATE TABLE plugin_origins (
    plugin TEXT,
    hash TEXT,
    source TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    publisher TEXT NOT NULL,
    installed_at REAL NOT NULL,
    installed_by TEXT NOT NULL,
    PRIMARY KEY (plugin, hash)
);
