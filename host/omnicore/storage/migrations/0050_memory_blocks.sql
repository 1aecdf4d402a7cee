-- Core blocks: named texts that are always given, with what they said before. '' stands for nobody in particular.
-- `stated` is 1 where a memory was read for facts; a host of an earlier version leaves it NULL, and so do the working
-- tiers, from which no facts are taken. What is NULL beyond these is read in the background.

CREATE TABLE memory_blocks (
    plugin TEXT,
    id TEXT,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    changed_by TEXT NOT NULL,
    user_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    session TEXT NOT NULL,
    app_id TEXT NOT NULL,
    PRIMARY KEY (plugin, id)
);

CREATE UNIQUE INDEX idx_memory_blocks_plugin_user_id_agent_id_session_app_id_name
    ON memory_blocks (plugin, user_id, agent_id, session, app_id, name);

CREATE TABLE memory_block_versions (
    plugin TEXT,
    block TEXT,
    version INTEGER,
    text TEXT NOT NULL,
    changed_at REAL NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (plugin, block, version)
);

ALTER TABLE memories ADD COLUMN stated INTEGER;

CREATE INDEX memories_unstated ON memories (plugin, seq)
    WHERE stated IS NULL AND tier > 2 AND tier < 7 AND state < 2;
