"""Renewal after a fork: a child must not use its parent's connections, nor locks that another thread held."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

__all__ = ["renewed_after_fork"]


class Renewable(Protocol):
    """Has connections or locks of its own process."""

    def renew(self) -> None:
        """Takes new locks and forgets connections, without closing them: the parent still uses them."""


_ALIVE: WeakSet[Renewable] = WeakSet()


def renewed_after_fork(part: Renewable) -> None:
    """From now on `part.renew()` is called in every child that is forked."""
    _ALIVE.add(part)


def _renew_all() -> None:
    for part in list(_ALIVE):
        part.renew()


os.register_at_fork(after_in_child=_renew_all)
