-- Rollouts of new versions: the last one of each plugin, which any host carries on, and the calls that each host has
-- counted for each version while one is under way.

CREATE TABLE plugin_rollouts (
    plugin TEXT,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    before TEXT NOT NULL,
    shares TEXT NOT NULL,
    every_s REAL NOT NULL,
    guards TEXT NOT NULL,
    who TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    step INTEGER NOT NULL,
    began_at REAL NOT NULL,
    step_at REAL NOT NULL,
    ended_at REAL,
    applied INTEGER NOT NULL,
    ends TEXT NOT NULL,
    revision INTEGER NOT NULL,
    carrier TEXT NOT NULL,
    carried_until REAL NOT NULL,
    PRIMARY KEY (plugin)
);

CREATE TABLE plugin_rollout_counts (
    host TEXT,
    plugin TEXT,
    hash TEXT,
    step_at REAL NOT NULL,
    calls INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    durations TEXT NOT NULL,
    PRIMARY KEY (host, plugin, hash)
);
