-- What is remembered and where it came from.
-- `sequence` of a space counts its changes. A new memory takes the next as its `seq`, and whatever changes a
-- memory later stamps the next on `changed`: who keeps a copy in RAM asks for the rows that changed since. The
-- upsert of the space comes first in every transaction, so on PostgreSQL too the changes of a space are seen in
-- their order. Full text is kept by space: statistics of one plugin's words must not show in the scores of
-- another. SQLite gets a table of its own for each space when the first memory comes, PostgreSQL has the space's
-- number in every word.

CREATE TABLE memory_spaces (
    plugin TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    purged INTEGER NOT NULL,
    dimensions INTEGER NOT NULL,
    consolidated INTEGER NOT NULL
);

CREATE UNIQUE INDEX idx_memory_spaces_number ON memory_spaces (number);

CREATE TABLE memory_tiers (
    plugin TEXT,
    tier INTEGER,
    items INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (plugin, tier)
);

CREATE TABLE memories (
    plugin TEXT,
    seq INTEGER,
    id TEXT NOT NULL,
    changed INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    state INTEGER NOT NULL,
    text TEXT NOT NULL,
    metadata TEXT NOT NULL,
    importance REAL NOT NULL,
    judged INTEGER NOT NULL,
    session TEXT,
    speaker TEXT,
    created_at REAL NOT NULL,
    accessed_at REAL NOT NULL,
    hits INTEGER NOT NULL,
    expires_at REAL,
    valid_from REAL,
    valid_to REAL,
    pinned INTEGER NOT NULL,
    superseded_by TEXT,
    hash TEXT NOT NULL,
    writer TEXT NOT NULL,
    call_id TEXT,
    source TEXT,
    given BLOB,
    sense BLOB,
    sense_by TEXT,
    size INTEGER NOT NULL,
    PRIMARY KEY (plugin, seq)
);

CREATE INDEX idx_memories_plugin_changed ON memories (plugin, changed);

CREATE UNIQUE INDEX idx_memories_id ON memories (id);

CREATE TABLE memory_edges (
    plugin TEXT,
    src TEXT,
    rel TEXT,
    dst TEXT,
    note TEXT NOT NULL,
    made_at REAL NOT NULL,
    PRIMARY KEY (plugin, src, rel, dst)
);

CREATE INDEX idx_memory_edges_plugin_dst ON memory_edges (plugin, dst);

CREATE UNIQUE INDEX memories_text ON memories (plugin, tier, hash) WHERE state < 2;

CREATE INDEX memories_expiry ON memories (expires_at) WHERE expires_at IS NOT NULL AND state < 2;

CREATE INDEX memories_dead ON memories (accessed_at) WHERE state = 2;

CREATE INDEX memories_waiting ON memories (state) WHERE state = 1;

CREATE INDEX memories_shared ON memories (writer, size) WHERE plugin = '@shared' AND state < 2;

-- only postgresql:

CREATE TABLE memory_words (space BIGINT NOT NULL, seq BIGINT NOT NULL, words TSVECTOR NOT NULL, PRIMARY KEY
    (space, seq));

CREATE INDEX memory_words_words ON memory_words USING GIN (words);
