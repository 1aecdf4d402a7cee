-- What people gave to plugins.

CREATE TABLE grants (
    plugin TEXT,
    capability TEXT,
    scope TEXT NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at REAL NOT NULL,
    PRIMARY KEY (plugin, capability)
);
