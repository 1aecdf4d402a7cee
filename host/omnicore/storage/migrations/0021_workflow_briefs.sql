-- What lists of workflows show, so that they need not read and compile the definitions.
-- Of the present version. `about` is JSON; `words` is what a list is searched by, in lower case. One that is
-- missing, or of another digest, is made again from its definition.

CREATE TABLE workflow_briefs (
    workflow TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    words TEXT NOT NULL,
    about TEXT NOT NULL
);
