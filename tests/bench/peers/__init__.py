"""Other engines with the same three-step workflow, each in a process of its own: they are written to be alone there."""
