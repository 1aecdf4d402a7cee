-- Alarms: rules about figures, their states, and what each host has counted for them.

CREATE TABLE alarms (
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    figure TEXT NOT NULL,
    threshold REAL NOT NULL,
    side TEXT NOT NULL,
    clear REAL,
    window_s REAL NOT NULL,
    least_calls INTEGER NOT NULL,
    connector TEXT,
    workflow TEXT,
    enabled INTEGER NOT NULL,
    name TEXT,
    input TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at REAL NOT NULL,
    state TEXT NOT NULL,
    since REAL NOT NULL,
    value REAL,
    checked_at REAL,
    next_at REAL NOT NULL,
    told TEXT NOT NULL,
    tries INTEGER NOT NULL,
    trouble TEXT NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE alarm_counts (
    alarm TEXT,
    host TEXT,
    at REAL NOT NULL,
    calls INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    buckets TEXT NOT NULL,
    PRIMARY KEY (alarm, host)
);
