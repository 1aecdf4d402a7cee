"""Memories of one tier by their number, so that a list of them can be read page by page."""

from __future__ import annotations

from omnicore.storage.schema.table import Statements, Step

__all__ = ["STEP"]

_INDEX = "CREATE INDEX memories_listed ON memories (plugin, tier, seq) WHERE state < 2"
STEP: Step = (Statements(sqlite=(_INDEX,), postgresql=(_INDEX,)),)
