-- Labels of runs, and the runs of an owner, for lists that are filtered by them. They go with the rows of their run.

CREATE TABLE workflow_run_labels (
    run TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (run, label)
);

CREATE INDEX idx_workflow_run_labels_label_run ON workflow_run_labels (label, run);

CREATE INDEX idx_workflow_runs_created_by_id ON workflow_runs (created_by, id);
