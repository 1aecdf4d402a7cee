-- Users' rights, their sessions and tokens, tries to log in, and the count of changes to any of them.
-- `plugins` is a JSON object of roles by plugin. `second` names what vouches for somebody without a password, and
-- `subject` who that is there. Of sessions and tokens only digests are kept, so a copy of the database opens
-- nothing.

-- only sqlite:

ALTER TABLE users ADD COLUMN plugins TEXT NOT NULL DEFAULT '{}';

ALTER TABLE users ADD COLUMN second TEXT;

ALTER TABLE users ADD COLUMN subject TEXT;

ALTER TABLE users ADD COLUMN last_login_at FLOAT;

-- only postgresql:

ALTER TABLE users ADD COLUMN plugins TEXT NOT NULL DEFAULT '{}';

ALTER TABLE users ADD COLUMN second TEXT;

ALTER TABLE users ADD COLUMN subject TEXT;

ALTER TABLE users ADD COLUMN last_login_at DOUBLE PRECISION;

-- both:

CREATE UNIQUE INDEX idx_users_subject ON users (second, subject) WHERE subject IS NOT NULL;

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    user_id TEXT NOT NULL,
    via TEXT NOT NULL,
    origin TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    expires_at REAL NOT NULL
);

CREATE INDEX idx_sessions_user_id_id ON sessions (user_id, id);

CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);

CREATE UNIQUE INDEX idx_sessions_digest ON sessions (digest);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    owner_id TEXT,
    role TEXT NOT NULL,
    plugins TEXT NOT NULL,
    scopes TEXT,
    created_at REAL NOT NULL,
    expires_at REAL,
    last_used_at REAL
);

CREATE INDEX idx_tokens_owner_id_id ON tokens (owner_id, id);

CREATE UNIQUE INDEX idx_tokens_digest ON tokens (digest);

CREATE TABLE login_tries (
    key TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    since REAL NOT NULL,
    locked_until REAL NOT NULL
);

CREATE INDEX idx_login_tries_since ON login_tries (since);

CREATE TABLE access_state (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
