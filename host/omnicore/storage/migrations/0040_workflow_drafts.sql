-- Texts of the editor that are not saved yet, one for each person and workflow.

CREATE TABLE workflow_drafts (
    who TEXT,
    draft TEXT,
    revision TEXT NOT NULL,
    text TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest TEXT NOT NULL,
    changed_at REAL NOT NULL,
    PRIMARY KEY (who, draft)
);

CREATE INDEX idx_workflow_drafts_draft ON workflow_drafts (draft);
