-- Labels of tasks: free text by which people find them.

ALTER TABLE tasks ADD COLUMN label TEXT;

CREATE INDEX tasks_label ON tasks (label, state, id) WHERE label IS NOT NULL;
