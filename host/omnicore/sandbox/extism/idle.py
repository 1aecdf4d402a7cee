"""What is kept for later calls, of all plugins: given up when an engine has no room left.

Idle cells hold slots of the engine's pool, and so do the guests that were made in them. Without this a few
plugins that nobody calls any more could keep every other one from being called.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Protocol

__all__ = ["Keeper", "keeps", "reclaim"]


class Keeper(Protocol):
    """Somebody who keeps cells."""

    def give_up(self) -> int:
        """Frees those that nobody uses and returns how many. Called from any thread."""


_keys = itertools.count()
_KEEPERS: weakref.WeakValueDictionary[int, Keeper] = weakref.WeakValueDictionary()


def keeps(keeper: Keeper) -> None:
    """Remembers somebody who keeps cells, for as long as they live."""
    _KEEPERS[next(_keys)] = keeper


def reclaim() -> bool:
    """Frees all idle cells; whether there were any."""
    keepers = [reference() for reference in _KEEPERS.valuerefs()]
    return sum(keeper.give_up() for keeper in keepers if keeper is not None) > 0
