-- Memories of one tier by their number, so that a list of them can be read page by page.

CREATE INDEX memories_listed ON memories (plugin, tier, seq) WHERE state < 2;
