"""Runs stored tasks: claims them, calls their functions, records how attempts ended, and keeps the leases.

One turn writes the endings of the last one and claims as many tasks as there are free workers, in one
transaction. Dates decide when a task is due; leases, attempts and waits run on monotonic time, so a clock that
is set makes nothing run twice. What a clock set back would hold up is moved along.
"""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

from omnicore.errors import (
    CallCancelled,
    CallerError,
    DeadlineExceeded,
    InstanceBusy,
    LinkFailed,
    ManifestInvalid,
    ModuleRejected,
    OmniError,
    StorageFailed,
)
from omnicore.ids import new_id
from omnicore.resilience.retry import RetryPolicy, wanted_pause_s
from omnicore.runtime.pause import Pause
from omnicore.runtime.service import TaskDesk, stored_json
from omnicore.runtime.watch import Watch
from omnicore.storage.tables.tasks import BATCH, Claim, Ending, Silence, Task, TaskClaims, TaskContext, TaskSweep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from random import Random

    from omnicore.clock import Clock

__all__ = ["SET_BACK_S", "Attempt", "Call", "Cut", "Failure", "Keeper", "Runner", "failure_of", "retryable", "wait_s"]


_FINAL = (CallerError, ManifestInvalid, ModuleRejected, LinkFailed)
_PASSING = (CallCancelled, InstanceBusy)
_TEXT = 4096
_LONGEST_WAIT_S = 3600.0


def retryable(error: BaseException) -> bool:
    """True if the same call may succeed later.

    A wrong input, a missing function or grant stays wrong; traps, failures, limits and a host in trouble pass.
    """
    return isinstance(error, _PASSING) or not isinstance(error, _FINAL)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed. `wait_s` is what the one who refused asked for, 0 when nothing."""

    code: str
    text: str
    retry: bool
    wait_s: float = 0.0


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception stands for, its text bounded."""
    if isinstance(error, OmniError):
        return Failure(error.code, str(error)[:_TEXT], retryable(error), min(wanted_pause_s(error), _LONGEST_WAIT_S))
    return Failure(type(error).__name__, f"{type(error).__name__}: {error}"[:_TEXT], True)


def wait_s(failed: int, steps: Sequence[float], failure: Failure, random: Random) -> float:
    """The wait after the failure of this number, which counts from 1: of the task's own steps, or growing.

    Jitter spreads both by 30 %; who refused may ask for more.
    """
    policy = RetryPolicy()
    if steps:
        own = RetryPolicy(first_s=steps[min(failed, len(steps)) - 1], most_s=math.inf, factor=1)
        return max(own.delay_s(1, random.random()), failure.wait_s)
    return max(policy.delay_s(failed, random.random()), failure.wait_s)


Cut = Literal["cancelled", "lost", "stopping"]


class Call(Protocol):
    """Calls a function with a JSON value; `omnicore.plugins.call` makes one of a plugin host."""

    def __call__(
        self, ref: str, value: Any, *, timeout_s: float | None = None, host_context: Any = None
    ) -> Awaitable[Any]: ...


@dataclass(slots=True, eq=False)
class Attempt:
    """An attempt that runs. `cut` says why it was cut short, if it was."""

    row: Task
    random: Random
    work: asyncio.Task[Ending | None] | None = None
    cut: Cut | None = None

    def stop(self, why: Cut) -> None:
        """Cuts the guest, once."""
        if self.cut is None and self.work is not None:
            self.cut = why
            self.work.cancel()

    async def run(self, call: Call, clock: Clock, output_bytes: int) -> Ending | None:
        """Calls the function; how it ended, or None when nobody wants to know any more."""
        row = self.row
        context = TaskContext(row.id, row.owner, row.attempts, row.key)
        try:
            async with asyncio.timeout(_limit_s(row, clock.now())):
                output = await call(row.function, row.input, timeout_s=row.timeout_s, host_context=context)
        except TimeoutError:
            return self._failed(failure_of(_too_long(row)), clock.now())
        except (Exception, asyncio.CancelledError) as error:
            # What a cut guest raises is no failure of its own.
            return self.cut_short(clock.now()) if self.cut else self._failed(failure_of(error), clock.now())
        return self._answered(output, output_bytes, clock.now())

    def _answered(self, output: Any, most_bytes: int, now: float) -> Ending:
        try:
            text = stored_json(output, most_bytes, "output")
        except OmniError as error:  # the same call would give the same answer
            return self._failed(replace(failure_of(error), retry=False), now)
        return Ending(self.row.id, self.row.token, "done", now, output=text)

    def cut_short(self, now: float) -> Ending | None:
        """The ending of an attempt that was cut."""
        if self.cut in ("cancelled", "lost"):
            return None  # the row says so already
        return Ending(self.row.id, self.row.token, "waiting", now, counted=False)

    def _failed(self, failure: Failure, now: float) -> Ending:
        row, text = self.row, _storable(failure.text)
        if not failure.retry or row.attempts >= row.most_attempts:
            return Ending(row.id, row.token, "failed", now, error=text, code=failure.code)
        steps = row.backoff or ()
        due_at = now + wait_s(row.attempts, steps, failure, self.random)
        return Ending(row.id, row.token, "waiting", now, error=text, code=failure.code, due_at=due_at)


def _limit_s(row: Task, now: float) -> float | None:
    """The attempt's own limit or what is left until the task expires. A plugin has its own limit beside."""
    left = None if row.expires_at is None else max(0.0, row.expires_at - now)
    return min((limit for limit in (row.timeout_s, left) if limit is not None), default=None)


def _too_long(row: Task) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"the attempt at {row.function} took longer than it may",
        remedy="give the task a longer timeout_s or expires_s, or less to do",
        limit="timeout_s",
        allowed=row.timeout_s,
    )


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


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
        self._outbox: list[tuple[Ending, Task]] = []
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

    def _settled(self, ending: Ending, row: Task, *, refused: bool) -> None:
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


_LONGEST_BEAT_S = 2.0
_BEATS = 3
_BATCHES = 20
SET_BACK_S = 60.0
"""Hosts may disagree so much about the time; a date further ahead tells of a clock that was set back."""


class Keeper:
    """Looks after the leases of one runner, `_BEATS` times in a lease or more often."""

    def __init__(self, desk: TaskDesk, runner: Runner, *, set_back: Callable[[], None]) -> None:
        self._desk, self._runner, self._set_back = desk, runner, set_back
        self._clock, settings = desk.clock, desk.settings
        self._sweep = TaskSweep(desk.store)
        self._settings = settings
        self._watch: Watch[Silence] = Watch(settings.lease_s)
        self.beat_s = min(settings.lease_s / _BEATS, _LONGEST_BEAT_S)
        self._watch_due = self._sweep_due = 0.0
        self._beaten_at = self._clock.monotonic()
        self._offset: float | None = None
        self._strays: set[tuple[str, int]] = set()
        self.pending = 0
        self.pause = Pause()

    async def run(self) -> None:
        """Goes on until its pause ends."""
        while not self.pause.over:
            try:
                await self.look()
            except Exception:  # whatever it is: without the next beat, others take what runs here
                _log.warning("the leases of tasks cannot be looked after now", exc_info=True)
            self._cut_overdue()
            await self.pause.rest(self.beat_s)

    async def look(self) -> None:
        """One round."""
        now = self._clock.monotonic()
        await self._beat()
        if now >= self._watch_due:
            self._watch_due = now + self._settings.lease_s / _BEATS
            await self._look_at_others()
        await self._look_at_clock()
        if now >= self._sweep_due:
            self._sweep_due = now + self._settings.sweep_s
            await asyncio.to_thread(self.clear)
        self.pending = await asyncio.to_thread(self._desk.pending)

    async def _beat(self) -> None:
        held = self._runner.held()
        began = self._clock.monotonic()
        claims, host = self._runner.claims, self._runner.host
        if held:
            owned = await asyncio.to_thread(claims.beat, host, self._clock.now()) or {}
        else:
            owned = await asyncio.to_thread(claims.held, host)
        self._beaten_at = began
        self._cut(held, owned)
        await self._give_back_strays(owned)

    async def _give_back_strays(self, owned: dict[str, int]) -> None:
        """Gives back what the database says is run here, and is not.

        A connection that breaks while a claim commits leaves such tasks. Those seen for the first time may be
        just about to begin.
        """
        held, before = self._runner.held(), self._strays
        self._strays = {(task, token) for task, token in owned.items() if held.get(task) != token}
        now = self._clock.now()
        endings = [Ending(task, token, "waiting", now, counted=False) for task, token in self._strays & before]
        if endings:
            await asyncio.to_thread(self._runner.claims.turn, self._runner.host, endings, free=0, now=now, limits={})
            self._runner.wake()

    def _cut(self, held: dict[str, int], owned: dict[str, int]) -> None:
        """Cuts what is no longer this host's: cancelled elsewhere, or taken over."""
        current = self._runner.held()
        for task, token in held.items():
            if owned.get(task) != token and current.get(task) == token:
                self._runner.cut(task, "lost")

    def _cut_overdue(self) -> None:
        # Without a beat for a whole lease, others have what runs here; to go on would only do it twice.
        if self._clock.monotonic() - self._beaten_at > self._settings.lease_s:
            self._cut(self._runner.held(), {})

    async def _look_at_others(self) -> None:
        others = await asyncio.to_thread(self._runner.claims.others, self._runner.host)
        for silence in self._watch.silent(others, self._clock.monotonic()):
            taken = await asyncio.to_thread(
                self._runner.claims.take_over, silence, now=self._clock.now(), most_lost=self._settings.most_lost
            )
            for row in taken.failed:
                self._desk.tell("dead", row, code=row.code)
            if taken.waiting:
                _log.warning("took over %d tasks of %s, which is silent", len(taken.waiting), silence.host)
                self._runner.wake()

    async def _look_at_clock(self) -> None:
        offset = self._clock.now() - self._clock.monotonic()
        before, self._offset = self._offset, offset
        if before is None or offset < before - SET_BACK_S / 2:
            await asyncio.to_thread(self._runner.claims.set_back, self._clock.now(), SET_BACK_S)
            await asyncio.to_thread(self._set_back)
            self._runner.wake()

    def clear(self) -> None:
        """Deletes what is over and too old or too much, some batches at most."""
        now, settings = self._clock.now(), self._settings
        ages = {"done": settings.keep_s, "cancelled": settings.keep_s, "failed": settings.keep_failed_s}
        for state, age_s in ages.items():
            for _ in range(_BATCHES):
                if self._sweep.sweep(state, before=now - age_s, most=settings.keep_most) < BATCH:
                    break
        self._sweep.sweep_hosts(now)
