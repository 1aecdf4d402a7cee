-- What workflows were: each version with its text, and each document that a version or a run is pinned to.
-- Texts with other comments or another layout have the same document, so the text belongs to the version. A
-- document without a version is that of a trial; it goes with the last run that is pinned to it.

CREATE TABLE workflow_documents (digest TEXT PRIMARY KEY, document TEXT NOT NULL, created_at REAL NOT NULL);

CREATE INDEX idx_workflow_documents_created_at_digest ON workflow_documents (created_at, digest);

CREATE TABLE workflow_versions (
    workflow TEXT,
    number INTEGER,
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (workflow, number)
);

CREATE INDEX idx_workflow_versions_digest ON workflow_versions (digest);
