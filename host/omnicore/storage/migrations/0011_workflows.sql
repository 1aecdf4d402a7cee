-- Workflows and users, under the names that other programs know them by.
-- A workflow's document is JSON; `state` tells whether it may run. Passwords are kept as salted hashes only.

CREATE TABLE workflows (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    state TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    changed_at REAL NOT NULL
);

CREATE UNIQUE INDEX idx_workflows_name ON workflows (name);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    password TEXT,
    role TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    changed_at REAL NOT NULL
);

CREATE UNIQUE INDEX idx_users_name ON users (name);
