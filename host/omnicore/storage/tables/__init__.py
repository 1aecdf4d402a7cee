"""One file per table, each with the questions that rooms ask of it."""
