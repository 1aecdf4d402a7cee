-- Intelligences, what they used, and how well functions of plugins do.

CREATE TABLE intelligences (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    spec TEXT NOT NULL,
    created_at REAL NOT NULL,
    retired_at REAL,
    score REAL
);

CREATE INDEX idx_intelligences_retired_at_id ON intelligences (retired_at, id);

CREATE UNIQUE INDEX idx_intelligences_name_version ON intelligences (name, version);

CREATE TABLE intelligence_usage (
    intelligence TEXT,
    period INTEGER,
    calls INTEGER NOT NULL,
    seconds REAL NOT NULL,
    fuel INTEGER NOT NULL,
    PRIMARY KEY (intelligence, period)
);

CREATE TABLE skills (
    ref TEXT PRIMARY KEY,
    plugin TEXT NOT NULL,
    calls INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    p95_s REAL NOT NULL,
    updated_at REAL NOT NULL
);

CREATE INDEX idx_skills_plugin ON skills (plugin);
