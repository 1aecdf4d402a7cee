"""Modules that load when they are first needed, and libraries that need not be installed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from omnicore.errors import ToolMissing


def optional(module: str, *, extra: str = "") -> ModuleType:
    """The module, loaded now.

    Args:
        extra: the extra of this package that brings the library, which the module may also be built on.

    Raises: ToolMissing: the library is not installed.
    """
    try:
        with _uncollected():
            return import_module(module)
    except ImportError as error:
        library = (error.name or module).partition(".")[0]
        if not extra or library == "omnicore":
            raise
        raise ToolMissing(
            f"the library {library} is not installed", remedy=f"run `pip install 'omnicore[{extra}]'`", tool=library
        ) from error


@contextmanager
def _uncollected() -> Iterator[None]:
    """The collector rests: an import leaves no garbage, and looking for it takes a tenth of the host's import."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
