-- What workflows want of webhooks, connectors and events, events that wait for others, and events on their way
-- out.
-- A want follows from a definition: `kind` is webhook, connector, event (a trigger) or listen (a task); `name` is
-- that of the webhook, the connector, or the type of the event, empty where several types may fit. A partial is an
-- event of a trigger that wants several; `tie` is what they have in common, and `slot` which of the trigger's
-- filters it fits.

CREATE TABLE workflow_wants (
    workflow TEXT,
    number INTEGER,
    place INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (workflow, number)
);

CREATE INDEX idx_workflow_wants_kind_name ON workflow_wants (kind, name);

CREATE TABLE workflow_partials (
    workflow TEXT,
    trigger TEXT,
    tie TEXT,
    slot INTEGER,
    event TEXT NOT NULL,
    envelope TEXT NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (workflow, trigger, tie, slot)
);

CREATE INDEX idx_workflow_partials_until ON workflow_partials (until);

CREATE TABLE workflow_outbox (
    id TEXT PRIMARY KEY,
    broker TEXT NOT NULL,
    target TEXT NOT NULL,
    type TEXT NOT NULL,
    envelope TEXT NOT NULL,
    at REAL NOT NULL
);

CREATE INDEX idx_workflow_outbox_broker_id ON workflow_outbox (broker, id);
