-- Words of forgotten memories leave the full text at a time of their own; what matters most of knowledge stays.
-- A space is among `memory_cleanings` while its full text holds words of what is gone.

CREATE TABLE memory_cleanings (plugin TEXT PRIMARY KEY, due REAL NOT NULL);

UPDATE memories SET expires_at = NULL WHERE tier IN (4, 5) AND importance >= 0.9 AND state < 2;
