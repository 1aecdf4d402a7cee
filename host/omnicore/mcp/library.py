"""The `mcp` package, which need not be installed; what builds on it loads when it is first needed."""

from __future__ import annotations

from types import ModuleType
from typing import Literal

from omnicore.optional import optional

__all__ = ["load"]


def load(module: Literal["server", "http", "stdio"]) -> ModuleType:
    """A module of this room that builds on the package, loaded now; the first takes half a second.

    Raises: ToolMissing: the package is not installed.
    """
    return optional(f"omnicore.mcp.{module}", extra="mcp")
