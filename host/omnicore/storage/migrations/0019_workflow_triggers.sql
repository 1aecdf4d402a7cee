-- What begins runs and what reaches them: signals, waits, events, schedules, and how many may run.
-- A wait's `key` names the listening task: the digest of the document and the path in it. `lane_most` is the limit
-- that the newest run of a concurrency key came with; `tat` is when the next start would be on time (GCRA). A
-- `seen` key is that of a run which begins once, or of an event which is taken in once, until `until`.

CREATE TABLE workflow_signals (
    id TEXT PRIMARY KEY,
    run TEXT NOT NULL,
    host TEXT,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    key TEXT,
    data TEXT NOT NULL,
    at REAL NOT NULL
);

CREATE INDEX idx_workflow_signals_run_id ON workflow_signals (run, id);

CREATE TABLE workflow_waits (
    run TEXT,
    place TEXT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    correlation TEXT NOT NULL,
    data TEXT NOT NULL,
    due_at REAL,
    at REAL NOT NULL,
    PRIMARY KEY (run, place)
);

CREATE INDEX idx_workflow_waits_kind_key_correlation_run ON workflow_waits (kind, key, correlation, run);

CREATE INDEX idx_workflow_waits_kind_run ON workflow_waits (kind, run);

CREATE TABLE workflow_events (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    event TEXT NOT NULL,
    type TEXT NOT NULL,
    envelope TEXT NOT NULL,
    at REAL NOT NULL
);

CREATE TABLE workflow_schedules (
    workflow TEXT,
    place INTEGER,
    kind TEXT NOT NULL,
    spec TEXT NOT NULL,
    timezone TEXT NOT NULL,
    missed TEXT NOT NULL,
    input TEXT NOT NULL,
    begin_at REAL NOT NULL,
    stamped_at REAL NOT NULL,
    next_at REAL,
    last_at REAL,
    last_run TEXT,
    PRIMARY KEY (workflow, place)
);

CREATE TABLE workflow_keys (
    workflow TEXT,
    lane TEXT,
    active INTEGER NOT NULL,
    most INTEGER NOT NULL,
    PRIMARY KEY (workflow, lane)
);

CREATE TABLE workflow_rates (workflow TEXT PRIMARY KEY, tat REAL NOT NULL, stamped_at REAL NOT NULL);

CREATE TABLE workflow_dedupe (scope TEXT, key TEXT, run TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (scope, key));

CREATE INDEX idx_workflow_dedupe_until ON workflow_dedupe (until);

CREATE INDEX workflow_signals_owned ON workflow_signals (host, id) WHERE host IS NOT NULL;

CREATE UNIQUE INDEX workflow_signals_key ON workflow_signals (run, key) WHERE key IS NOT NULL;

CREATE INDEX workflow_schedules_due ON workflow_schedules (next_at) WHERE next_at IS NOT NULL;
