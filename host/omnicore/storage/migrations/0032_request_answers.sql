-- Answers to requests with an Idempotency-Key, for all hosts on the database.

CREATE TABLE request_answers (
  key TEXT PRIMARY KEY,
  digest BLOB NOT NULL,
  status INTEGER NOT NULL,
  location TEXT NOT NULL,
  sealed BLOB NOT NULL,
  at REAL NOT NULL
);

CREATE INDEX idx_request_answers_at ON request_answers (at);
