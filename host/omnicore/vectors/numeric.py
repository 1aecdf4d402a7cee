"""numpy, loaded at its first use: a host that keeps neither vectors nor memories begins a tenth of a second sooner."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["np"]


class _AtFirstUse(ModuleType):
    """Stands for a module: what is asked of it comes from there, and is kept."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self.__name__), name)
        setattr(self, name, found)
        return found


if TYPE_CHECKING:
    import numpy as np
else:
    np = _AtFirstUse("numpy")
