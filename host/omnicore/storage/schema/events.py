"""Durable subscriptions, the log of events, and health."""

from __future__ import annotations

from omnicore.storage.schema.table import Step

__all__ = ["STEP"]

STEP: Step = ()
