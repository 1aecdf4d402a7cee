-- Native plugins that somebody switched off; those that are on need no row.

CREATE TABLE native_plugins (name TEXT PRIMARY KEY, switched_off INTEGER NOT NULL, changed_at REAL NOT NULL);
