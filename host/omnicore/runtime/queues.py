"""Limits of queues, from `tasks.queues`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from omnicore.errors import InvalidSetting

__all__ = ["lane_of", "queue_limits"]

_LIMIT = re.compile(r"([^=]{1,64})=([0-9]{1,4})")


def queue_limits(texts: Sequence[str]) -> Mapping[str, int]:
    """How many tasks may run at once in each queue that has a limit; 0 holds a queue.

    >>> queue_limits(["mail=2"])
    {'mail': 2}

    Raises: InvalidSetting.
    """
    limits = {}
    for text in texts:
        found = _LIMIT.fullmatch(text.strip())
        if found is None:
            raise InvalidSetting(f"tasks.queues holds {text[:80]!r}", remedy="write queue=limit, such as mail=2")
        limits[found[1].strip()] = int(found[2])
    return limits


def lane_of(queue: str, limits: Mapping[str, int]) -> str:
    """The lane that a task of this queue waits in: its own where the queue has a limit, else the common one."""
    return queue if queue in limits else ""
