"""Triggers: schedules, webhooks, events and message brokers begin runs, and deliver events to runs that wait."""
