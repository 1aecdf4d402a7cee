"""The inner parts of `omnicore.workflows.progress`: frames, strands and what each kind of task does."""
