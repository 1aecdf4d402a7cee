"""Modules with their work of starting done: a guest runs once, and its memory becomes part of a new module."""
