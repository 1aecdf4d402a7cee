"""Libraries that load when somebody logs in: most commands never need them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from omnicore.errors import ToolMissing

__all__ = ["library"]


def library(module: str, *, extra: str = "") -> ModuleType:
    """The module, loaded now.

    Args:
        extra: the extra of this package that brings the library.

    Raises: ToolMissing: the library is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        if not extra:
            raise
        name = (error.name or module).partition(".")[0]
        raise ToolMissing(
            f"the library {name} is not installed", remedy=f"run `pip install 'omnicore[{extra}]'`", tool=name
        ) from error
