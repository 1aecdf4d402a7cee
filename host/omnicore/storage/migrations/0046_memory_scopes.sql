-- Whose memories are: of a user, an agent, a session, an application. NULL: of nobody in particular.
-- `memory_values` holds the members of metadata by name and value, for filters. `valued` is 1 where they are there;
-- a host of an earlier version leaves it NULL, and the next one of this version makes up for it.

ALTER TABLE memories ADD COLUMN user_id TEXT;

ALTER TABLE memories ADD COLUMN agent_id TEXT;

ALTER TABLE memories ADD COLUMN app_id TEXT;

ALTER TABLE memories ADD COLUMN valued INTEGER;

CREATE INDEX memories_unvalued ON memories (plugin, seq) WHERE valued IS NULL AND metadata <> '{}' AND state < 2;

ALTER TABLE memory_facts ADD COLUMN user_id TEXT;

ALTER TABLE memory_facts ADD COLUMN agent_id TEXT;

ALTER TABLE memory_facts ADD COLUMN session TEXT;

ALTER TABLE memory_facts ADD COLUMN app_id TEXT;

CREATE INDEX memory_facts_user ON memory_facts (plugin, user_id, subject, since) WHERE user_id IS NOT NULL;

-- only sqlite:

CREATE TABLE memory_values (plugin TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, number REAL NOT NULL,
    seq INTEGER NOT NULL, PRIMARY KEY (plugin, name, text, number, seq)) WITHOUT ROWID;

-- only postgresql:

CREATE TABLE memory_values (plugin TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, number DOUBLE PRECISION
    NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (plugin, name, text, number, seq));
