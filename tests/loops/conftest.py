"""Tests of this room may be coroutines, and may ask for a host of real plugins."""

from __future__ import annotations

from tests.coroutines import pytest_pyfunc_call
from tests.plugins.conftest import engine, rig, rig_at

__all__ = ["engine", "pytest_pyfunc_call", "rig", "rig_at"]
