"""Texts into vectors: a small table that ships with the package, and what may take its place."""
