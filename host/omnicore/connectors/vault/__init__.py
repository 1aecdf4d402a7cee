"""Credentials at rest: sealed with AES-256-GCM under data keys, which a master key outside the database wraps."""
