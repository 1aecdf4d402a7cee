"""Workflows and users: tables that the source texts name."""

from __future__ import annotations

from omnicore.storage.schema.table import Step

__all__ = ["STEP"]

STEP: Step = ()
