-- The language by whose stems a memory is in the full text; NULL for memories of hosts that knew English stems only.

ALTER TABLE memories ADD COLUMN language TEXT;

ALTER TABLE memory_spaces ADD COLUMN languages TEXT NOT NULL DEFAULT '';

ALTER TABLE memory_spaces ADD COLUMN reworded INTEGER NOT NULL DEFAULT 0;

CREATE INDEX memories_unread ON memories (plugin, seq) WHERE language IS NULL AND state < 2;
