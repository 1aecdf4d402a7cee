"""Settings: one typed schema, read from files, variables and overrides."""
