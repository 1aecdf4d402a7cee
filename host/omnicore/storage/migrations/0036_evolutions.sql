-- Searches for better architectures, and the candidates of each, which any host carries on.

CREATE TABLE evolutions (
    id TEXT,
    workflow TEXT NOT NULL,
    task TEXT NOT NULL,
    document TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    who TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    count INTEGER NOT NULL,
    best INTEGER,
    gain REAL,
    least_gain REAL,
    promoted INTEGER,
    before INTEGER,
    created_at REAL NOT NULL,
    ended_at REAL,
    carrier TEXT NOT NULL,
    carried_until REAL NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX idx_evolutions_state_id ON evolutions (state, id);

CREATE TABLE evolution_candidates (
    evolution TEXT,
    number INTEGER,
    parent INTEGER NOT NULL,
    proposer TEXT NOT NULL,
    genes TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    quality REAL NOT NULL,
    fitness REAL NOT NULL,
    cost REAL NOT NULL,
    seconds REAL NOT NULL,
    scores TEXT NOT NULL,
    held TEXT,
    PRIMARY KEY (evolution, number)
);
