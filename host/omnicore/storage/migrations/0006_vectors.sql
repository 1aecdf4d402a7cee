-- Collections and their vectors.
-- A vector's row never changes: writing an id again deletes its row and adds one with a new `seq`, so that `seq`
-- names one vector for ever and an index that knows a `seq` knows its values. `vector_deaths` tells other
-- processes which of them are gone. Tags are hashes of one metadata member each, `[key, value]`. The long column
-- comes last: what is read of every match lies before it, on the row's first page.

CREATE TABLE vector_collections (
    key INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions INTEGER NOT NULL,
    metric TEXT NOT NULL,
    seq INTEGER NOT NULL,
    purged INTEGER NOT NULL,
    live INTEGER NOT NULL,
    created_at REAL NOT NULL
);

CREATE UNIQUE INDEX idx_vector_collections_owner_name ON vector_collections (owner, name);

CREATE TABLE vectors (
    collection INTEGER,
    seq INTEGER,
    id TEXT NOT NULL,
    metadata TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (collection, seq)
);

CREATE UNIQUE INDEX idx_vectors_collection_id ON vectors (collection, id);

CREATE TABLE vector_totals (owner TEXT PRIMARY KEY, vectors INTEGER, collections INTEGER);

-- only sqlite:

CREATE TABLE vector_tags (collection INTEGER NOT NULL, tag INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY
    (collection, tag, seq)) WITHOUT ROWID;

CREATE TABLE vector_deaths (collection INTEGER NOT NULL, seq INTEGER NOT NULL, gone INTEGER NOT NULL, PRIMARY
    KEY (collection, seq, gone)) WITHOUT ROWID;

-- only postgresql:

CREATE TABLE vector_tags (collection BIGINT NOT NULL, tag BIGINT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY
    (collection, tag, seq));

CREATE TABLE vector_deaths (collection BIGINT NOT NULL, seq BIGINT NOT NULL, gone BIGINT NOT NULL, PRIMARY KEY
    (collection, seq, gone));
