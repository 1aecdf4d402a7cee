-- Facts beside the memories they were said in. The time in which each one held follows from the others.

CREATE TABLE memory_facts (
    plugin TEXT,
    id TEXT,
    subject TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    since REAL NOT NULL,
    ends INTEGER NOT NULL,
    said_at REAL NOT NULL,
    speaker TEXT,
    memory TEXT,
    PRIMARY KEY (plugin, id)
);

CREATE INDEX idx_memory_facts_plugin_subject_since ON memory_facts (plugin, subject, since);

CREATE INDEX idx_memory_facts_plugin_memory ON memory_facts (plugin, memory);
