-- Limits of plugins on all hosts of a database, and the places for their calls that each host holds for a time.

CREATE TABLE plugin_limits (
    plugin TEXT,
    concurrent INTEGER,
    per_second REAL,
    who TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (plugin)
);

CREATE TABLE plugin_places (
    plugin TEXT,
    host TEXT,
    places INTEGER NOT NULL,
    until REAL NOT NULL,
    wanted REAL NOT NULL,
    PRIMARY KEY (plugin, host)
);
