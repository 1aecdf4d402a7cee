-- Lanes: when they ran, and what came of it.
-- One row for each lane, so these tables do not grow with what happened; a measure is one row a week.

CREATE TABLE lanes (
    lane TEXT PRIMARY KEY,
    since REAL NOT NULL,
    last_run_at REAL,
    cycles INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0.0,
    owner TEXT NOT NULL DEFAULT '',
    lease_until REAL NOT NULL DEFAULT 0.0,
    fence INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE lane_measures (week INTEGER PRIMARY KEY, at REAL NOT NULL, document TEXT NOT NULL);
