"""Workflows: definitions, their graphs, and runs that survive the process."""
