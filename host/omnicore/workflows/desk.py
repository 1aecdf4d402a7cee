"""What people have checked and evaluated while they write: one thing at a time, beside the runs and never before them.

A text of a megabyte takes seconds to check and a hostile expression half a second each time. Done on the host's common
threads, a few of those would leave none for anything else; done several at once, they would take both sandboxes of jq
from the runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from omnicore.errors import CapacityReached

__all__ = ["Desk"]

_T = TypeVar("_T")
_MOST = 32


class Desk:
    """A thread of its own, made when it is first needed. Used on one event loop.

    Args: most: what may wait for its turn.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._waiting = most, 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="omnicore-workflow-desk")

    async def do(self, work: Callable[[], _T]) -> _T:
        """What the work gives. One whose caller has gone before its turn is left out. Raises: CapacityReached."""
        if self._waiting >= self._most:
            raise CapacityReached(
                f"{self._most} texts and expressions wait to be checked already", remedy="try again in a moment"
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the thread; what waits is left out."""
        self._thread.shutdown(wait=False, cancel_futures=True)
