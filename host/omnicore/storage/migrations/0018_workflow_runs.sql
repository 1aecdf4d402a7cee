-- Runs of workflows: their rows, steps, large values, and the hosts that have them in memory.
-- `due_at` is there exactly while a run may be claimed then. `lane` is the concurrency key, and `held` runs wait
-- for it. `seq` and `hash` are the end of the run's chain as of the last time it left memory. `record_seq` is the
-- row of the host's record that holds the last hash. `nonce` is what the placeholders of secrets are made of.

CREATE TABLE workflow_runs (
    id TEXT PRIMARY KEY,
    workflow TEXT NOT NULL,
    digest TEXT NOT NULL,
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    priority INTEGER NOT NULL,
    host TEXT,
    due_at REAL,
    begin_at REAL NOT NULL,
    stamped_at REAL NOT NULL,
    held INTEGER NOT NULL,
    lane TEXT,
    trigger TEXT NOT NULL,
    parent_run TEXT,
    parent_place TEXT,
    root TEXT NOT NULL,
    depth INTEGER NOT NULL,
    forked_from TEXT,
    trial INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    ended_at REAL,
    input TEXT NOT NULL,
    output TEXT,
    fault TEXT,
    nonce TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL,
    record_seq INTEGER
);

CREATE INDEX idx_workflow_runs_status_id ON workflow_runs (status, id);

CREATE INDEX idx_workflow_runs_workflow_status_id ON workflow_runs (workflow, status, id);

CREATE INDEX idx_workflow_runs_digest ON workflow_runs (digest);

CREATE TABLE workflow_steps (
    run TEXT,
    seq INTEGER,
    place TEXT NOT NULL,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    fed TEXT,
    at REAL NOT NULL,
    began_at REAL NOT NULL,
    input TEXT,
    result TEXT,
    output TEXT,
    fault TEXT,
    meta TEXT,
    about TEXT,
    hash TEXT NOT NULL,
    PRIMARY KEY (run, seq)
);

CREATE TABLE workflow_values (hash TEXT PRIMARY KEY, size INTEGER NOT NULL, data TEXT NOT NULL);

CREATE TABLE workflow_value_refs (run TEXT, hash TEXT, PRIMARY KEY (run, hash));

CREATE INDEX idx_workflow_value_refs_hash ON workflow_value_refs (hash);

CREATE TABLE workflow_drops (run TEXT PRIMARY KEY);

CREATE TABLE workflow_hosts (host TEXT PRIMARY KEY, beat INTEGER NOT NULL, seen_at REAL NOT NULL);

CREATE INDEX workflow_runs_ready ON workflow_runs (priority, due_at, id) WHERE due_at IS NOT NULL;

CREATE INDEX workflow_runs_root ON workflow_runs (root, due_at) WHERE due_at IS NOT NULL;

CREATE INDEX workflow_runs_owned ON workflow_runs (host, id) WHERE host IS NOT NULL;

CREATE INDEX workflow_runs_lane ON workflow_runs (workflow, lane, held, id) WHERE lane IS NOT NULL AND ended_at
    IS NULL;

CREATE INDEX workflow_runs_over ON workflow_runs (workflow, status, ended_at, id) WHERE ended_at IS NOT NULL;

CREATE INDEX workflow_runs_children ON workflow_runs (parent_run, id) WHERE parent_run IS NOT NULL;
