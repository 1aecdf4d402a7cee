"""`TaskEngine`: jobs in memory, and tasks that are stored, retried, scheduled and shared among hosts."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any

from omnicore.errors import CallCancelled, CapacityReached, GuestFailed, InvalidInput, Unavailable
from omnicore.jobs.hosts import SET_BACK_S, Membership
from omnicore.jobs.loop import Loop, Pause
from omnicore.jobs.runner import SharedTasks, TaskCall, TaskRunner
from omnicore.jobs.schedules import Scheduler
from omnicore.storage.tables.tasks import PENDING, Task, TaskOrder

if TYPE_CHECKING:
    from omnicore.jobs.tasks import StoredTasks


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
        """True if it is over."""
        return self._future.done()

    def cancel(self) -> bool:
        """Cancels it and returns True if it was not over; awaiting it then raises `CallCancelled`."""
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


_MOST_JOBS = 100_000
_DRAIN_S = 10.0


class TaskHandle:
    """A stored task. Awaiting it gives the function's output once the task is done, wherever it ran.

    Raises: GuestFailed: it failed for good; details: `task`, `code`. CallCancelled: somebody cancelled it.
    """

    __slots__ = ("_stored", "_watch", "id")

    def __init__(self, task: str, stored: StoredTasks, watch: Callable[[str], AbstractContextManager[Pause]]) -> None:
        self.id = task
        self._stored, self._watch = stored, watch

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait().__await__()

    async def view(self) -> Task:
        """The task as it stands."""
        return await asyncio.to_thread(self._stored.get, self.id)

    async def cancel(self) -> bool:
        """Cancels it and returns True if it was not over."""
        return await asyncio.to_thread(self._stored.cancel, self.id)

    async def _wait(self) -> Any:
        # Watched before it is looked at: what happens between the two ends the rest at once.
        with self._watch(self.id) as pause:
            while (view := await self.view()).state in PENDING:
                await pause.rest(self._stored.settings.poll_s)
                pause.clear()
        if view.state == "cancelled":
            raise CallCancelled(f"task {self.id} was cancelled", task=self.id)
        if view.state == "failed":
            raise GuestFailed(
                f"task {self.id} failed: {view.error}",
                remedy=f"once the cause is gone, `omnicore tasks retry {self.id}` begins it again",
                task=self.id,
                reason=view.code,
            )
        return view.output


class TaskEngine:
    """Runs work in the background, so much at a time.

    ```python
    engine = TaskEngine(workers=2)
    await engine.start()
    handle = await engine.submit(job, "argument")
    await handle
    await engine.stop()  # after all that was submitted
    ```

    Coroutine functions are jobs: they live in memory and in this process, plain functions run on threads. With
    `call`, `submit("plugin.function", input)` calls a function of a plugin; with `stored` tasks beside, it is a task
    in the database first, so that it outlives this process, and `orders` are taken up that others stored.

    Args:
        workers: jobs, and beside them tasks, that run at the same time.
        call: calls a function of a plugin with a JSON value.
        stored: where tasks are stored.
        drain_s: how long `stop` lets work finish; jobs without a limit when it is None.
    """

    def __init__(
        self,
        workers: int = 4,
        *,
        call: TaskCall | None = None,
        stored: StoredTasks | None = None,
        drain_s: float | None = None,
        random: Random | None = None,
    ) -> None:
        if workers < 1 and stored is None:
            raise InvalidInput(f"a task engine with {workers} workers runs nothing", remedy="give it 1 or more")
        self.stored = stored
        self.schedules = None if stored is None else Scheduler(stored)
        self._call, self._workers, self._drain_s = call, workers, drain_s
        self._random = random or SystemRandom()
        self._jobs = JobPool(max(1, workers), most=_MOST_JOBS, drain_s=drain_s, ended=self._job_ended)
        self._runner: TaskRunner | None = None
        self._shared: SharedTasks | None = None
        self._membership: Membership | None = None
        self._ticking: Loop | None = None
        self.jobs_done = self.jobs_failed = 0

    @property
    def running(self) -> int:
        """Jobs and tasks that run here now."""
        return self._jobs.running + (self._runner.running if self._runner else 0)

    @property
    def waiting(self) -> int:
        """Jobs that wait here."""
        return self._jobs.waiting

    @property
    def pending(self) -> int:
        """Stored tasks that waited or ran, on any host, when they were last counted."""
        return self._shared.pending if self._shared else 0

    @property
    def finished(self) -> int:
        """Jobs and tasks that ended well here."""
        return self.jobs_done + (self._runner.finished if self._runner else 0)

    @property
    def failed(self) -> int:
        """Jobs and tasks that failed here for good."""
        return self.jobs_failed + (self._runner.failed if self._runner else 0)

    @property
    def trouble(self) -> str:
        """Why stored tasks cannot be read or written now; empty when they can."""
        return self._runner.trouble if self._runner else ""

    async def start(self) -> None:
        """Begins with what waits, in memory and in the database."""
        self._jobs.start()
        if self._runner is not None:
            return
        if self.stored is None or self.schedules is None or self._call is None or self._workers < 1:
            return
        runner = TaskRunner(
            self.stored,
            self._call,
            workers=self._workers,
            random=self._random,
        )
        await runner.start()
        self._runner = runner  # not before: a start that failed can be tried again
        schedules, settings = self.schedules, self.stored.settings
        ticking = self._ticking = schedules.loop()
        loop = asyncio.get_running_loop()

        def heard(what: str, _name: str) -> None:
            if what == "schedules":
                with suppress(RuntimeError):  # the loop has been closed
                    loop.call_soon_threadsafe(ticking.wake)

        self._deaf = self.stored.listen(heard)
        self._shared = SharedTasks(self.stored, runner, set_back=lambda: schedules.set_back(SET_BACK_S))
        self._membership = Membership(
            "omnicore-tasks",
            self._shared,
            clock=self.stored.clock,
            lease_s=settings.lease_s,
            sweep_s=settings.sweep_s,
        )
        self._membership.start()
        ticking.start()

    async def submit(self, job: Job | str, *args: Any) -> JobHandle | TaskHandle:
        """Hands over work and returns at once; await the handle for what comes of it.

        Raises: InvalidInput: it cannot be run; CapacityReached: too much waits; Unavailable: the engine stopped.
        """
        if isinstance(job, str):
            return await self._submit_call(job, args)
        return self._jobs.submit(job, *args)

    async def order(self, order: TaskOrder) -> TaskHandle:
        """Stores a task with all its wishes. Raises: InvalidInput, LimitExceeded."""
        if self.stored is None:
            raise InvalidInput("this engine stores no tasks", remedy="make it with stored tasks, as `Host.tasks` is")
        return self.handle(await asyncio.to_thread(self.stored.submit, order))

    def handle(self, task: str) -> TaskHandle:
        """The handle of a stored task."""
        if self.stored is None:
            raise InvalidInput("this engine stores no tasks", remedy="make it with stored tasks, as `Host.tasks` is")
        return TaskHandle(task, self.stored, self._watch)

    def wake(self) -> None:
        """Looks for tasks and ticks at once, instead of in a while."""
        for one in (self._ticking, self._runner):
            if one is not None:
                one.wake()

    def pause(self) -> None:
        """Claims no stored tasks until `resume`; those that run go on."""
        if self._runner is not None:
            self._runner.paused = True

    def resume(self) -> None:
        """Claims stored tasks again."""
        if self._runner is not None:
            self._runner.paused = False
            self._runner.wake()

    async def hand_over(self, within_s: float) -> None:
        """Claims no more; tasks that run finish for so long, then they are given back for other hosts to claim."""
        if self._runner is not None:
            await self._runner.hand_over(within_s)

    async def stop(self) -> None:
        """Waits for all jobs and for the tasks that run, for `drain_s` at most, and cuts what still runs then.

        Stored tasks that are cut are given back: another host takes them up at once, and no attempt counts.
        """
        runner, self._runner = self._runner, None
        within_s = _DRAIN_S if self._drain_s is None else self._drain_s
        try:
            await asyncio.gather(self._jobs.stop(), *([runner.stop(within_s)] if runner else []))
        finally:
            if runner is not None and self._membership is not None and self._ticking is not None:
                self._deaf()
                await asyncio.gather(self._membership.stop(), self._ticking.stop())

    async def _submit_call(self, function: str, args: tuple[Any, ...]) -> JobHandle | TaskHandle:
        if len(args) > 1:
            raise InvalidInput(f"{function} takes one input, {len(args)} were given", remedy="pass one JSON value")
        value = args[0] if args else None
        if self.stored is not None:
            return await self.order(TaskOrder(function, value))
        call = self._call
        if call is None:
            raise InvalidInput(f"this engine cannot call {function}", remedy="make it with `call`, or pass a function")

        async def called() -> Any:
            return await call(function, value)

        called.__qualname__ = function
        return self._jobs.submit(called)

    def _watch(self, task: str) -> AbstractContextManager[Pause]:
        return self._runner.watching(task) if self._runner is not None else nullcontext(Pause())

    def _job_ended(self, error: BaseException | None) -> None:
        if error is None:
            self.jobs_done += 1
        else:
            self.jobs_failed += 1
