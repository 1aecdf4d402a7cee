"""Other values for what is fixed in the settings, for one test in this process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from omnicore.config import loader

__all__ = ["fix"]


def fix(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    """Fixes values by their dotted name, with `__` for the dot: `fix(monkeypatch, tasks__poll_s=0.1)`."""
    for name, value in values.items():
        path = tuple(name.split("__"))
        assert path in loader.FIXED, f"{name} is a setting, or unknown"
        monkeypatch.setitem(loader._LEAVES, path, replace(loader.FIXED[path], default=value))
