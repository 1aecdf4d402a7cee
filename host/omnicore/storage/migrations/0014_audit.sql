-- The record of changes: a chain of rows, the ends of it that were signed off, and changes that are being made.

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    via TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    before TEXT,
    after TEXT,
    outcome TEXT NOT NULL,
    hash TEXT NOT NULL
);

CREATE INDEX idx_audit_actor_seq ON audit (actor, seq);

CREATE INDEX idx_audit_action_seq ON audit (action, seq);

CREATE INDEX idx_audit_target_seq ON audit (target, seq);

CREATE TABLE audit_anchors (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, hash TEXT NOT NULL);

CREATE TABLE audit_intents (id TEXT PRIMARY KEY, process TEXT NOT NULL, at REAL NOT NULL, entry TEXT NOT NULL);

CREATE INDEX idx_audit_intents_at ON audit_intents (at);
