"""Python's threads, as a process wants them that serves for a long time."""

from __future__ import annotations

import sys

__all__ = ["shorten_turns"]

_TURN_S = 0.0005


def shorten_turns() -> None:
    """Lets a thread that computes give way after 0.5 ms where others wait, instead of after 5.

    The event loop gives its turn away whenever it looks for news, some five times for one request. With Python's own
    interval each of these costs 5 ms as long as any thread computes. For processes that are the host; an application
    that embeds one decides for itself.
    """
    sys.setswitchinterval(_TURN_S)
