"""The runner: claims stored tasks, runs them, writes how they ended, and lives by its leases.

One turn writes the endings of the last one and claims as many tasks as there are free workers, in one
transaction. Dates decide when a task is due; leases, attempts and waits run on monotonic time, so a clock that
is set makes nothing run twice. What a clock set back would hold up is moved along.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from random import Random

from omnicore.errors import StorageFailed
from omnicore.ids import new_id
from omnicore.runtime.attempt import Attempt, Call
from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.pause import Pause
from omnicore.storage.tables.tasks import TaskRow
from omnicore.storage.tables.tasks_claim import Claim, Ending, TaskClaims

__all__ = ["Runner"]

_log = logging.getLogger("omnicore.tasks")
_FIRST_POLL_S = 0.02
_LAST_WRITES_S = 5.0


class Runner:
    """Runs the tasks of a desk on the event loop that starts it.

    Args:
        drain_s: how long `stop` lets running tasks finish before it cuts them and gives them back.
    """

    def __init__(self, desk: TaskDesk, call: Call, *, workers: int, drain_s: float, random: Random) -> None:
        self.host = new_id("host")
        self.claims = TaskClaims(desk.store)
        self.finished = self.failed = 0
        self.trouble = ""
        self._desk, self._call, self._workers, self._drain_s = desk, call, workers, drain_s
        self._clock, self._settings = desk.clock, desk.settings
        self._random = random
        self._lanes = ("", *desk.limits)
        self._attempts: dict[str, Attempt] = {}
        self._outbox: list[tuple[Ending, TaskRow]] = []
        self._waiters: dict[str, list[Pause]] = {}
        self._pause = Pause()
        self._serving: asyncio.Task[None] | None = None

    @property
    def running(self) -> int:
        """Tasks that run here now."""
        return len(self._attempts)

    async def start(self) -> None:
        """Begins to claim tasks."""
        self._pause.over = False
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self.claims.lay_lanes, tuple(self._desk.limits))
        self._leave: Callable[[], None] = self._desk.listen(self._heard)
        self._serving = asyncio.create_task(self._serve(), name="omnicore-tasks")

    async def stop(self) -> None:
        """Claims no more, lets running tasks finish for `drain_s`, then cuts them and gives them back."""
        if self._serving is None:
            return
        self._pause.end()
        await asyncio.wait([self._serving], timeout=self._drain_s)
        for attempt in tuple(self._attempts.values()):
            attempt.stop("stopping")
        await asyncio.wait([self._serving], timeout=_LAST_WRITES_S)
        self._leave()
        self._serving.cancel()  # what could not be written is taken over once the lease is out
        with suppress(asyncio.CancelledError):
            await self._serving
        self._serving = None
        with suppress(StorageFailed):
            await asyncio.to_thread(self.claims.leave, self.host)

    def wake(self) -> None:
        """Looks for tasks at once."""
        self._pause.wake()

    def cut(self, task: str, why: str = "cancelled") -> None:
        """Cuts a task that runs here."""
        attempt = self._attempts.get(task)
        if attempt is not None:
            attempt.stop("lost" if why == "lost" else "cancelled")

    def held(self) -> dict[str, int]:
        """The tasks that run here or whose ending is still to be written, with their tokens."""
        ended = {row.id: row.token for _, row in self._outbox}
        return ended | {task: attempt.row.token for task, attempt in self._attempts.items()}

    @contextmanager
    def watching(self, task: str) -> Iterator[Pause]:
        """A pause that ends when something happens to a task here."""
        pause = Pause()
        self._waiters.setdefault(task, []).append(pause)
        try:
            yield pause
        finally:
            self._waiters[task].remove(pause)
            if not self._waiters[task]:
                del self._waiters[task]

    # -- inner parts

    def _heard(self, what: str, task: str) -> None:
        """From any thread: something happened at the desk."""
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._take_note, what, task)

    def _take_note(self, what: str, task: str) -> None:
        if what == "cancelled":
            self.cut(task)
            self._tell_waiters(task)
        elif what == "submitted":
            self._pause.wake()

    async def _serve(self) -> None:
        poll_s = _FIRST_POLL_S
        while not self._pause.over or self._attempts or self._outbox:
            self._pause.clear()
            try:
                moved, wait_s = await self._turn()
                self.trouble = ""
            except Exception as error:
                # A full disk or a server that is away: what ended stays in the outbox, bounded by the workers.
                _log.warning("the tasks cannot be read or written now", exc_info=True)
                self.trouble = str(error)
                moved, wait_s = False, self._settings.poll_s
            poll_s = _FIRST_POLL_S if moved else min(poll_s * 2, self._settings.poll_s)
            if not moved:
                await self._pause.rest(min(poll_s, wait_s))

    async def _turn(self) -> tuple[bool, float]:
        """Writes and claims; whether there was anything, and how long there will be nothing."""
        free = 0 if self._pause.over else self._workers - len(self._attempts)
        if not self._outbox:
            if free <= 0:
                return False, self._settings.poll_s
            due = await asyncio.to_thread(self.claims.next_due, self._lanes)
            if due is None or due > self._clock.now():
                return False, self._settings.poll_s if due is None else max(0.001, due - self._clock.now())
        sent = tuple(self._outbox)
        claim = await asyncio.to_thread(self._write, [ending for ending, _ in sent], free)
        del self._outbox[: len(sent)]
        for ending, row in sent:
            self._settled(ending, row, refused=ending.task in claim.refused)
        self._begin(claim)
        return bool(sent or claim.tasks or claim.expired), 0.0

    def _write(self, endings: list[Ending], free: int) -> Claim:
        return self.claims.turn(self.host, endings, free=free, now=self._clock.now(), limits=self._desk.limits)

    def _begin(self, claim: Claim) -> None:
        for row in claim.expired:
            self.failed += 1
            self._desk.tell("dead", row, code=row.code)
            self._tell_waiters(row.id)
        for row in claim.tasks:
            earlier = self._attempts.get(row.id)
            if earlier is not None:  # taken from this host, which was too slow to notice, and claimed by it again
                earlier.stop("lost")
            attempt = self._attempts[row.id] = Attempt(row, self._random)
            work = attempt.run(self._call, self._clock, self._settings.output_bytes)
            attempt.work = asyncio.create_task(work, name=f"omnicore-{row.id}")
            attempt.work.add_done_callback(partial(self._over, attempt))
            self._desk.tell("started", row)

    def _over(self, attempt: Attempt, work: asyncio.Task[Ending | None]) -> None:
        # A callback, because a task that is cancelled before its first step runs none of its code.
        if self._attempts.get(attempt.row.id) is attempt:
            del self._attempts[attempt.row.id]
        ending = attempt.cut_short(self._clock.now()) if work.cancelled() else work.result()
        if ending is not None:
            self._outbox.append((ending, attempt.row))
        self._pause.wake()

    def _settled(self, ending: Ending, row: TaskRow, *, refused: bool) -> None:
        if refused:
            _log.warning("the result of %s came too late: another host has the task", row.id)
        elif ending.state == "done":
            self.finished += 1
            self._desk.tell("finished", row)
        elif ending.counted:
            self._desk.tell("failed", row, code=ending.code, error=ending.error)
            if ending.state == "failed":
                self.failed += 1
                self._desk.tell("dead", row, code=ending.code)
        self._tell_waiters(row.id)

    def _tell_waiters(self, task: str) -> None:
        for pause in self._waiters.get(task, ()):
            pause.wake()
