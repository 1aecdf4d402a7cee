-- The language by whose stems a memory is in the full text; NULL for memories of hosts that knew English stems only.
-- The languages of a space other than English, and how many of its memories were entered again by the stems of each.

ALTER TABLE memories ADD COLUMN language TEXT;

CREATE INDEX memories_unread ON memories (plugin, seq) WHERE language IS NULL AND state < 2;

CREATE TABLE memory_languages (
    plugin TEXT,
    language TEXT,
    reworded INTEGER NOT NULL,
    PRIMARY KEY (plugin, language)
);
