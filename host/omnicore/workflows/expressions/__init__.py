"""Expressions: jq in a sandbox, with a fast path in Python."""
