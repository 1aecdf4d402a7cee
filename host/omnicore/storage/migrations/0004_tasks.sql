-- Tasks, their queues, schedules and leases.
-- `lane` is the task's queue where that has a limit, and empty elsewhere: to claim looks into one range for each
-- lane and priority, however many queues there are. `token` fences: it grows with each claim, and a result that
-- carries an older one is refused. `stamped_at` is when `due_at` was worked out; one that lies in the future tells
-- that the machine's clock was set back. Running tasks are few: those of one host are picked from all of them. A
-- host's `beat` only counts: others time it on clocks of their own.

CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    key TEXT,
    function TEXT NOT NULL,
    queue TEXT NOT NULL,
    lane TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state TEXT NOT NULL,
    size INTEGER NOT NULL,
    input TEXT NOT NULL,
    output TEXT,
    error TEXT,
    code TEXT,
    attempts INTEGER NOT NULL,
    most_attempts INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    timeout_s REAL,
    backoff TEXT,
    stamped_at REAL NOT NULL,
    due_at REAL NOT NULL,
    expires_at REAL,
    created_at REAL NOT NULL,
    started_at REAL,
    finished_at REAL,
    token INTEGER NOT NULL,
    host TEXT
);

CREATE INDEX idx_tasks_state_id ON tasks (state, id);

CREATE INDEX idx_tasks_owner_state_id ON tasks (owner, state, id);

CREATE TABLE task_totals (owner TEXT PRIMARY KEY, pending INTEGER NOT NULL);

CREATE TABLE task_hosts (host TEXT PRIMARY KEY, beat INTEGER NOT NULL, seen_at REAL NOT NULL);

CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    function TEXT NOT NULL,
    input TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    most_attempts INTEGER NOT NULL,
    timeout_s REAL,
    kind TEXT NOT NULL,
    spec TEXT NOT NULL,
    timezone TEXT NOT NULL,
    missed TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    stamped_at REAL NOT NULL,
    begin_at REAL NOT NULL,
    next_at REAL,
    last_at REAL,
    last_task TEXT
);

CREATE INDEX tasks_ready ON tasks (lane, priority, due_at, id) WHERE state = 'waiting';

CREATE INDEX tasks_over ON tasks (state, finished_at) WHERE finished_at IS NOT NULL;

CREATE UNIQUE INDEX tasks_key ON tasks (owner, key) WHERE key IS NOT NULL;

CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;
