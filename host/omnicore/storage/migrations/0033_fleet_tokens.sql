-- Tokens by which new hosts join a fleet. A token itself is kept nowhere: `key` is derived from it, and proves both sides.

CREATE TABLE fleet_tokens (
    id TEXT,
    key TEXT NOT NULL,
    made_by TEXT NOT NULL,
    expires_at REAL NOT NULL,
    PRIMARY KEY (id)
);
