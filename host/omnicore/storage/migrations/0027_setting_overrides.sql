-- Settings changed at run time, for all hosts on the database.

CREATE TABLE setting_overrides (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  changed_at REAL NOT NULL
);
