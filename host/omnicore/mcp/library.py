"""The `mcp` package, which need not be installed; what builds on it loads when it is first needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Literal

from omnicore.errors import ToolMissing

__all__ = ["load"]


def load(module: Literal["server", "http", "stdio"]) -> ModuleType:
    """A module of this room that builds on the package, loaded now; the first takes half a second.

    Raises: ToolMissing: the package is not installed.
    """
    try:
        return import_module(f"omnicore.mcp.{module}")
    except ImportError as error:
        library = (error.name or "mcp").partition(".")[0]
        if library == "omnicore":
            raise
        raise ToolMissing(
            f"the library {library} is not installed", remedy="run `pip install 'omnicore[mcp]'`", tool=library
        ) from error
