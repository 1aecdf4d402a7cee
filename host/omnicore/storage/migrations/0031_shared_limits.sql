-- Rates of connectors and verdicts of their breakers, for all hosts on the database.

CREATE TABLE connector_budgets (name TEXT PRIMARY KEY, tokens REAL NOT NULL, at REAL NOT NULL);

CREATE TABLE connector_verdicts (
  connector TEXT,
  host TEXT,
  at REAL NOT NULL,
  PRIMARY KEY (connector, host)
);
