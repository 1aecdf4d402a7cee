"""Lifecycle coats around parts: start, stop, health."""
