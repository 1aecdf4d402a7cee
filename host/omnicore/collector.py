"""Python's garbage collector, as a process wants it that serves for a long time."""

from __future__ import annotations

import gc

__all__ = ["settle"]

_YOUNG = 10_000
"""Objects made before the young ones are looked through; Python's 700 are those of a few short calls."""


def settle() -> None:
    """Takes what is there out of the collector's rounds, once a process has started.

    A started host has some hundred thousand objects that stay. Each full round goes through all of them, which stops
    every call for about 80 ms. For processes that are the host; an application that embeds one decides for itself.
    """
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(_YOUNG, *older)
