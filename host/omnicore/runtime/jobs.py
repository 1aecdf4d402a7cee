"""Jobs in memory: coroutine functions, so many at a time, in the order in which they came."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any

from omnicore.errors import CallCancelled, CapacityReached, InvalidInput, Unavailable

__all__ = ["Job", "JobHandle", "JobPool"]

Job = Callable[..., Any]
_log = logging.getLogger("omnicore.tasks")
_STOPPED = "start the engine again"


class JobHandle:
    """A job that was submitted. Awaiting it gives what the job returned, or raises what it raised."""

    __slots__ = ("_future", "_task", "_work", "name")

    def __init__(self, name: str, work: Callable[[], Awaitable[Any]]) -> None:
        self.name = name
        self._work = work
        self._task: asyncio.Task[Any] | None = None
        self._future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # Looked at, so that a failure nobody awaits leaves a log line and no complaint.
        self._future.add_done_callback(lambda future: future.cancelled() or future.exception())

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.shield(self._future).__await__()

    def done(self) -> bool:
        """Whether it is over."""
        return self._future.done()

    def cancel(self) -> bool:
        """Whether it could still be cancelled; awaiting it raises `CallCancelled` then."""
        if self._future.done():
            return False
        self._end(CallCancelled(f"the job {self.name} was cancelled"))
        if self._task is not None:
            self._task.cancel()
        return True

    def _end(self, error: BaseException) -> None:
        if not self._future.done():
            self._future.set_exception(error)


class JobPool:
    """Runs jobs on the running event loop. What a job raises is its handle's and a line in the log.

    Args:
        most: how many may wait.
        drain_s: how long `stop` waits for jobs before it cancels them; None waits until they are over.
        ended: told the error, or None, of each job that is over.
    """

    def __init__(
        self,
        workers: int,
        *,
        most: int,
        drain_s: float | None,
        ended: Callable[[BaseException | None], None],
    ) -> None:
        self._workers, self._most, self._drain_s, self._ended = workers, most, drain_s, ended
        self._waiting: deque[JobHandle] = deque()
        self._running: set[JobHandle] = set()
        self._open = self._started = False
        self._idle = asyncio.Event()

    @property
    def running(self) -> int:
        """Jobs that run now."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Jobs that wait for a worker."""
        return len(self._waiting)

    def start(self) -> None:
        """Begins with what waits."""
        self._started = self._open = True
        self._fill()

    def submit(self, job: Job, *args: Any) -> JobHandle:
        """Adds a job. Raises: InvalidInput, CapacityReached, Unavailable."""
        if not callable(job):
            raise InvalidInput(f"{job!r:.80} is no job", remedy="pass a coroutine function and its arguments")
        if self._started and not self._open:
            raise Unavailable("the task engine is stopped", remedy=_STOPPED)
        if len(self._waiting) >= self._most:
            raise CapacityReached(f"{self._most} jobs wait for a worker", remedy="await some of them first")
        handle = JobHandle(getattr(job, "__qualname__", repr(job)), _work_of(job, args))
        self._waiting.append(handle)
        self._fill()
        return handle

    async def stop(self) -> None:
        """Waits for all jobs, those that wait for a worker too; after `drain_s` the rest is cancelled."""
        self._open = False
        if not self._started:
            self._give_up()
        try:
            async with asyncio.timeout(self._drain_s):
                await self._drained()
        except TimeoutError:
            self._give_up()
            await self._drained()

    async def _drained(self) -> None:
        while self._running or self._waiting:
            self._idle.clear()
            await self._idle.wait()

    def _give_up(self) -> None:
        while self._waiting:
            self._waiting.popleft()._end(CallCancelled("the engine stopped before the job began", remedy=_STOPPED))
        for handle in tuple(self._running):
            handle.cancel()

    def _fill(self) -> None:
        while self._started and self._waiting and len(self._running) < self._workers:
            handle = self._waiting.popleft()
            if not handle.done():
                self._running.add(handle)
                handle._task = asyncio.ensure_future(_begun(handle))
                handle._task.add_done_callback(partial(self._over, handle))

    def _over(self, handle: JobHandle, task: asyncio.Task[Any]) -> None:
        # A callback, because a task that is cancelled before its first step runs none of its code.
        self._running.discard(handle)
        error = CallCancelled(f"the job {handle.name} was cancelled") if task.cancelled() else task.exception()
        if error is not None:
            if not task.cancelled():
                _log.warning("job %s failed: %s", handle.name, error, exc_info=error)
            handle._end(error)
        elif not handle.done():
            handle._future.set_result(task.result())
        self._ended(error)
        self._fill()
        if not self._running and not self._waiting:
            self._idle.set()


async def _begun(handle: JobHandle) -> Any:
    return await handle._work()


def _work_of(job: Job, args: tuple[Any, ...]) -> Callable[[], Awaitable[Any]]:
    if inspect.iscoroutinefunction(job):
        return lambda: job(*args)
    return lambda: _in_thread(job, args)


async def _in_thread(job: Job, args: tuple[Any, ...]) -> Any:
    """A plain function would hold up the loop, so it runs on a thread; what it returns may be awaitable."""
    result = await asyncio.to_thread(job, *args)
    return await result if inspect.isawaitable(result) else result
