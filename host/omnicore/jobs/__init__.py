"""Durable work: hosts, loops, schedules, stored tasks, and the interface of an engine of runs."""
