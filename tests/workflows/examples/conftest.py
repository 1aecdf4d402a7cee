"""The host of the effects' tests, for whole workflows."""

from __future__ import annotations

from tests.workflows.effects.conftest import bench

__all__ = ["bench"]
