-- Master keys of the vault that a key management service wrapped, so that all hosts on the database have the same one.

CREATE TABLE vault_masters (
  id TEXT PRIMARY KEY,
  keeper TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  made_at REAL NOT NULL
);
