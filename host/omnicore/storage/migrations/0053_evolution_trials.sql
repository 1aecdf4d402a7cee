-- The tokens that a candidate took of a model, and candidates that get a share of the runs before they serve all of them.

ALTER TABLE evolution_candidates ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE evolutions ADD COLUMN version INTEGER;

ALTER TABLE evolutions ADD COLUMN share INTEGER;

ALTER TABLE evolutions ADD COLUMN runs INTEGER;

ALTER TABLE evolutions ADD COLUMN promoted_at REAL;

CREATE INDEX evolutions_canaries ON evolutions (id) WHERE share IS NOT NULL;
