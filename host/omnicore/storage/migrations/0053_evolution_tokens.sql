-- What the model that proposed a candidate was paid for it.

ALTER TABLE evolution_candidates ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
