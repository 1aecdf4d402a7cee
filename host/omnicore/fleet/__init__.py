"""A fleet: hosts that share one database, what each of them does, and who belongs to it."""
