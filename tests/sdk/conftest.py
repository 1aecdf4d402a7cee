"""Builds of the kits' own sources: every folder is trusted here."""

from __future__ import annotations

from tests.toolchains.conftest import trusted

__all__ = ["trusted"]
