"""`TaskEngine`: jobs in memory, and tasks that are stored, retried, scheduled and shared among hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext, suppress
from random import Random, SystemRandom
from typing import Any

from omnicore.errors import CallCancelled, GuestFailed, InvalidInput
from omnicore.runtime.attempt import Call
from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.jobs import Job, JobHandle, JobPool
from omnicore.runtime.keeper import SET_BACK_S, Keeper
from omnicore.runtime.pause import Pause
from omnicore.runtime.runner import Runner
from omnicore.runtime.schedule import ScheduleDesk
from omnicore.runtime.scheduler import Scheduler
from omnicore.runtime.task import PENDING, TaskOrder, TaskView

__all__ = ["TaskEngine", "TaskHandle"]

_MOST_JOBS = 100_000
_DRAIN_S = 10.0


class TaskHandle:
    """A stored task. Awaiting it gives the function's output once the task is done, wherever it ran.

    Raises: GuestFailed: it failed for good; details: `task`, `code`. CallCancelled: somebody cancelled it.
    """

    __slots__ = ("_desk", "_watch", "id")

    def __init__(self, task: str, desk: TaskDesk, watch: Callable[[str], AbstractContextManager[Pause]]) -> None:
        self.id = task
        self._desk, self._watch = desk, watch

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait().__await__()

    async def view(self) -> TaskView:
        """The task as it stands."""
        return await asyncio.to_thread(self._desk.get, self.id)

    async def cancel(self) -> bool:
        """Whether it could still be cancelled."""
        return await asyncio.to_thread(self._desk.cancel, self.id)

    async def _wait(self) -> Any:
        # Watched before it is looked at: what happens between the two ends the rest at once.
        with self._watch(self.id) as pause:
            while (view := await self.view()).state in PENDING:
                await pause.rest(self._desk.settings.poll_s)
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
    `call`, `submit("plugin.function", input)` calls a function of a plugin; with a `desk` beside, it is a task
    in the desk's database first, so that it outlives this process, and `orders` are taken up that others stored.

    Args:
        workers: jobs, and beside them tasks, that run at the same time.
        call: calls a function of a plugin with a JSON value.
        desk: where tasks are stored.
        drain_s: how long `stop` lets work finish; jobs without a limit when it is None.
    """

    def __init__(
        self,
        workers: int = 4,
        *,
        call: Call | None = None,
        desk: TaskDesk | None = None,
        drain_s: float | None = None,
        random: Random | None = None,
    ) -> None:
        if workers < 1 and desk is None:
            raise InvalidInput(f"a task engine with {workers} workers runs nothing", remedy="give it 1 or more")
        self.desk = desk
        self.schedules = None if desk is None else ScheduleDesk(desk)
        self._call, self._workers, self._drain_s = call, workers, drain_s
        self._random = random or SystemRandom()
        self._jobs = JobPool(max(1, workers), most=_MOST_JOBS, drain_s=drain_s, ended=self._job_ended)
        self._runner: Runner | None = None
        self._beside: list[tuple[Pause, asyncio.Task[None]]] = []
        self._keeper: Keeper | None = None
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
        return self._keeper.pending if self._keeper else 0

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
        if self.desk is None or self.schedules is None or self._call is None or self._workers < 1:
            return
        runner = Runner(
            self.desk,
            self._call,
            workers=self._workers,
            drain_s=_DRAIN_S if self._drain_s is None else self._drain_s,
            random=self._random,
        )
        await runner.start()
        self._runner = runner  # not before: a start that failed can be tried again
        scheduler, schedules = Scheduler(self.desk, self.schedules), self.schedules
        loop = asyncio.get_running_loop()

        def heard(what: str, _name: str) -> None:
            if what == "schedules":
                with suppress(RuntimeError):  # the loop has been closed
                    loop.call_soon_threadsafe(scheduler.pause.wake)

        self._deaf = self.desk.listen(heard)
        self._keeper = Keeper(self.desk, runner, set_back=lambda: schedules.set_back(SET_BACK_S))
        self._beside = [
            (self._keeper.pause, asyncio.create_task(self._keeper.run(), name="omnicore-task-leases")),
            (scheduler.pause, asyncio.create_task(scheduler.run(), name="omnicore-schedules")),
        ]

    async def submit(self, job: Job | str, *args: Any) -> JobHandle | TaskHandle:
        """Hands over work and returns at once; await the handle for what comes of it.

        Raises: InvalidInput: it cannot be run; CapacityReached: too much waits; Unavailable: the engine stopped.
        """
        if isinstance(job, str):
            return await self._submit_call(job, args)
        return self._jobs.submit(job, *args)

    async def order(self, order: TaskOrder) -> TaskHandle:
        """Stores a task with all its wishes. Raises: InvalidInput, LimitExceeded."""
        if self.desk is None:
            raise InvalidInput("this engine stores no tasks", remedy="make it with a desk, as `Host.tasks` is")
        return self.handle(await asyncio.to_thread(self.desk.submit, order))

    def handle(self, task: str) -> TaskHandle:
        """The handle of a stored task."""
        if self.desk is None:
            raise InvalidInput("this engine stores no tasks", remedy="make it with a desk, as `Host.tasks` is")
        return TaskHandle(task, self.desk, self._watch)

    def wake(self) -> None:
        """Looks for tasks and ticks at once, instead of in a while."""
        for pause, _ in self._beside:
            pause.wake()
        if self._runner is not None:
            self._runner.wake()

    async def stop(self) -> None:
        """Waits for all jobs and for the tasks that run, for `drain_s` at most, and cuts what still runs then.

        Stored tasks that are cut are given back: another host takes them up at once, and no attempt counts.
        """
        runner, self._runner = self._runner, None
        try:
            await asyncio.gather(self._jobs.stop(), *([runner.stop()] if runner else []))
        finally:
            beside, self._beside = self._beside, []
            for pause, _ in beside:
                pause.end()
            if runner is not None:
                self._deaf()
                await asyncio.gather(*(task for _, task in beside))

    async def _submit_call(self, function: str, args: tuple[Any, ...]) -> JobHandle | TaskHandle:
        if len(args) > 1:
            raise InvalidInput(f"{function} takes one input, {len(args)} were given", remedy="pass one JSON value")
        value = args[0] if args else None
        if self.desk is not None:
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
