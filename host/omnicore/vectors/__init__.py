"""Vectors: an index for speed, a table as the truth, and an exact index."""
