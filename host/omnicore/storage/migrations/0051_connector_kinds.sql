-- Kinds of connectors that operators added, as descriptions.

CREATE TABLE connector_kinds (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    version INTEGER NOT NULL,
    added_at REAL NOT NULL,
    changed_at REAL NOT NULL
);
