-- Outputs that people have pinned to steps of workflows, for trials.

CREATE TABLE workflow_pins (
    workflow TEXT,
    step TEXT,
    value TEXT NOT NULL,
    changed_at REAL NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (workflow, step)
);
