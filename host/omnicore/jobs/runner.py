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
    NotServed,
    OmniError,
    StorageFailed,
)
from omnicore.ids import new_id
from omnicore.jobs.hosts import SET_BACK_S
from omnicore.jobs.loop import Loop, Pause
from omnicore.jobs.tasks import StoredTasks, stored_json
from omnicore.resilience.retry import RetryPolicy, wanted_pause_s
from omnicore.storage.tables.tasks import BATCH, Claim, Ending, Task, TaskClaims, TaskContext, TaskSweep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from random import Random

    from omnicore.storage.tables.hosts import Silence


_FINAL = (CallerError, ManifestInvalid, ModuleRejected, LinkFailed)
_PASSING = (CallCancelled, InstanceBusy)
_TEXT = 4096
_LONGEST_WAIT_S = 3600.0
_UNSERVED_S = 30.0
"""A task that no host can do is tried again after so long, if nothing tells of a host before."""


def retryable(error: BaseException) -> bool:
    """True if the same call may succeed later.

    A wrong input, a missing function or grant stays wrong; traps, failures, limits and a host in trouble pass.
    """
    return isinstance(error, _PASSING) or not isinstance(error, _FINAL)


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """Why an attempt failed. `wait_s` is what the one who refused asked for, 0 when nothing."""

    code: str
    text: str
    retry: bool
    wait_s: float = 0.0


def failure_of(error: BaseException) -> TaskFailure:
    """The failure that an exception stands for, its text bounded."""
    if isinstance(error, OmniError):
        return TaskFailure(
            error.code, str(error)[:_TEXT], retryable(error), min(wanted_pause_s(error), _LONGEST_WAIT_S)
        )
    return TaskFailure(type(error).__name__, f"{type(error).__name__}: {error}"[:_TEXT], True)


def wait_s(failed: int, steps: Sequence[float], failure: TaskFailure, random: Random) -> float:
    """The wait after the failure of this number, which counts from 1: of the task's own steps, or growing.

    Jitter spreads both by 30 %; who refused may ask for more.
    """
    policy = RetryPolicy()
    if steps:
        own = RetryPolicy(first_s=steps[min(failed, len(steps)) - 1], most_s=math.inf, factor=1)
        return max(own.delay_s(1, random.random()), failure.wait_s)
    return max(policy.delay_s(failed, random.random()), failure.wait_s)


Cut = Literal["cancelled", "lost", "stopping"]


class TaskCall(Protocol):
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

    async def run(self, call: TaskCall, stored: StoredTasks) -> Ending | None:
        """Calls the function; how it ended, or None when nobody wants to know any more."""
        row, clock, output_bytes = self.row, stored.clock, stored.settings.output_bytes
        context = TaskContext(row.id, row.owner, row.attempts, row.key)
        try:
            async with asyncio.timeout(_limit_s(row, clock.now())):
                output = await call(row.function, row.input, timeout_s=row.timeout_s, host_context=context)
        except TimeoutError:
            return self._failed(failure_of(_too_long(row)), clock.now())
        except NotServed as error:
            if self.cut is None and error.details.get("plugin") == row.function.partition(".")[0]:
                return self._unserved(error, clock.now(), left=stored.left())
            return self.cut_short(clock.now()) if self.cut else self._failed(failure_of(error), clock.now())
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

    def _unserved(self, error: NotServed, now: float, left: Sequence[str]) -> Ending:
        """The ending of an attempt that this host cannot make: the task waits for one that can, and says so."""
        row, text = self.row, _storable(str(error)[:_TEXT])
        due_at = now if row.function.partition(".")[0] in left else now + _UNSERVED_S
        return Ending(row.id, row.token, "waiting", now, error=text, code=error.code, due_at=due_at, counted=False)

    def _failed(self, failure: TaskFailure, now: float) -> Ending:
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
_SETTLED_S = 0.01
_BATCHES = 20


class TaskRunner:
    """Runs the stored tasks of a database on the event loop that starts it."""

    def __init__(self, stored: StoredTasks, call: TaskCall, *, workers: int, random: Random) -> None:
        self.host = new_id("host")
        self.claims = TaskClaims(stored.store)
        self.finished = self.failed = 0
        self.trouble = ""
        self.paused = False
        """True while no tasks are claimed; those that run go on."""
        self._stored, self._call, self._workers = stored, call, workers
        self._random = random
        self._attempts: dict[str, Attempt] = {}
        self._outbox: list[tuple[Ending, Task]] = []
        self._waiters: dict[str, list[Pause]] = {}
        self._claiming = Loop(
            "omnicore-tasks", self._turn, self._in_trouble, rests_from_s=_FIRST_POLL_S, busy=self._unfinished
        )

    @property
    def running(self) -> int:
        """Tasks that run here now."""
        return len(self._attempts)

    async def start(self) -> None:
        """Begins to claim tasks."""
        loop = asyncio.get_running_loop()

        def heard(what: str, task: str) -> None:  # from any thread
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._take_note, what, task)

        await asyncio.to_thread(self.claims.lay_lanes, tuple(self._stored.limits))
        self._leave: Callable[[], None] = self._stored.listen(heard)
        self._claiming.start()

    async def stop(self, within_s: float) -> None:
        """Claims no more, lets running tasks finish for so long, then cuts them and gives them back."""
        self._claiming.end()
        await self._claiming.ended(within_s)
        for attempt in tuple(self._attempts.values()):
            attempt.stop("stopping")
        await self._claiming.ended(_LAST_WRITES_S)
        self._leave()
        await self._claiming.stop(0)  # what could not be written is taken over once the lease is out
        with suppress(StorageFailed):
            await asyncio.to_thread(self.claims.leave, self.host)

    async def hand_over(self, within_s: float) -> None:
        """Claims no more; running tasks finish for so long, then they are cut and given back."""
        self.paused = True
        await self._settle(within_s)
        for attempt in tuple(self._attempts.values()):
            attempt.stop("stopping")
        await self._settle(_LAST_WRITES_S)

    async def _settle(self, within_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                # Attempts and writes end without a common signal, hence looking instead of an event.
                while self._unfinished() and self.paused:  # noqa: ASYNC110
                    await asyncio.sleep(_SETTLED_S)

    def wake(self) -> None:
        """Looks for tasks at once."""
        self._claiming.wake()

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

    def _take_note(self, what: str, task: str) -> None:
        if what == "cancelled":
            self.cut(task)
            self._tell_waiters(task)
        elif what in ("submitted", "woken"):
            self.wake()

    def _unfinished(self) -> bool:
        return bool(self._attempts or self._outbox)

    def _in_trouble(self, error: Exception) -> float:
        # A full disk or a server that is away: what ended stays in the outbox, bounded by the workers.
        _log.warning("the tasks cannot be read or written now", exc_info=error)
        self.trouble = str(error)
        return self._stored.settings.poll_s

    async def _turn(self) -> float:
        """Writes endings and claims. Returns how long there will be nothing to do."""
        clock, poll_s = self._stored.clock, self._stored.settings.poll_s
        free = 0 if self._claiming.over or self.paused else self._workers - len(self._attempts)
        if not self._outbox:
            lanes = ("", *self._stored.limits)
            due = await asyncio.to_thread(self.claims.next_due, lanes, self._stored.left()) if free > 0 else None
            self.trouble = ""
            if due is None or due > clock.now():
                return poll_s if due is None else max(0.001, due - clock.now())
        sent = tuple(self._outbox)
        claim = await asyncio.to_thread(self._write, [ending for ending, _ in sent], free)
        self.trouble = ""
        del self._outbox[: len(sent)]
        for ending, row in sent:
            self._settled(ending, row, refused=ending.task in claim.refused)
        self._begin(claim)
        return 0.0 if sent or claim.tasks or claim.expired else poll_s

    def _write(self, endings: list[Ending], free: int) -> Claim:
        now, limits = self._stored.clock.now(), self._stored.limits
        return self.claims.turn(self.host, endings, free=free, now=now, limits=limits, left=self._stored.left())

    def _begin(self, claim: Claim) -> None:
        for row in claim.expired:
            self.failed += 1
            self._stored.tell("dead", row, code=row.code)
            self._tell_waiters(row.id)
        for row in claim.tasks:
            earlier = self._attempts.get(row.id)
            if earlier is not None:  # taken from this host, which was too slow to notice, and claimed by it again
                earlier.stop("lost")
            attempt = self._attempts[row.id] = Attempt(row, self._random)
            work = attempt.run(self._call, self._stored)
            attempt.work = asyncio.create_task(work, name=f"omnicore-{row.id}")
            attempt.work.add_done_callback(partial(self._over, attempt))
            self._stored.tell("started", row)

    def _over(self, attempt: Attempt, work: asyncio.Task[Ending | None]) -> None:
        # A callback, because a task that is cancelled before its first step runs none of its code.
        if self._attempts.get(attempt.row.id) is attempt:
            del self._attempts[attempt.row.id]
        ending = attempt.cut_short(self._stored.clock.now()) if work.cancelled() else work.result()
        if ending is not None:
            self._outbox.append((ending, attempt.row))
        self.wake()

    def _settled(self, ending: Ending, row: Task, *, refused: bool) -> None:
        if refused:
            _log.warning("the result of %s came too late: another host has the task", row.id)
        elif ending.state == "done":
            self.finished += 1
            self._stored.tell("finished", row)
        elif ending.counted:
            self._stored.tell("failed", row, code=ending.code, error=ending.error)
            if ending.state == "failed":
                self.failed += 1
                self._stored.tell("dead", row, code=ending.code)
        self._tell_waiters(row.id)

    def _tell_waiters(self, task: str) -> None:
        for pause in self._waiters.get(task, ()):
            pause.wake()


class SharedTasks:
    """The stored tasks of one host among those of others; see `omnicore.jobs.hosts.SharedWork`."""

    def __init__(self, stored: StoredTasks, runner: TaskRunner, *, set_back: Callable[[], None]) -> None:
        self._stored, self._runner, self._set_back = stored, runner, set_back
        self._sweep = TaskSweep(stored.store)
        self._strays: set[tuple[str, int]] = set()
        self.pending = 0

    async def beat(self) -> bool:
        """Shows that this host lives, where it has tasks, and cuts those that are another's by now."""
        held = self._runner.held()
        claims, host = self._runner.claims, self._runner.host
        if held:
            owned = await asyncio.to_thread(claims.beat, host, self._stored.clock.now()) or {}
        else:
            owned = await asyncio.to_thread(claims.held, host)
        self._cut(held, owned)
        await self._give_back_strays(owned)
        self.pending = await asyncio.to_thread(self._stored.pending)
        return True

    def lost(self) -> None:
        """Cuts everything: to go on would only do it twice."""
        self._cut(self._runner.held(), {})

    async def others(self) -> Sequence[Silence]:
        """All other hosts that have running tasks."""
        return await asyncio.to_thread(self._runner.claims.others, self._runner.host)

    def dead(self, host: str) -> bool:
        """False: nothing says which process a host of tasks is."""
        return False

    async def take_over(self, silence: Silence) -> None:
        """Lets the tasks of a dead host be claimed, but for those that lost too many hosts."""
        settings, now = self._stored.settings, self._stored.clock.now()
        taken = await asyncio.to_thread(self._runner.claims.take_over, silence, now=now, most_lost=settings.most_lost)
        for row in taken.failed:
            self._stored.tell("dead", row, code=row.code)
        if taken.waiting:
            _log.warning("took over %d tasks of %s, which is silent", len(taken.waiting), silence.host)
            self._runner.wake()

    async def set_back(self, seconds: float) -> None:
        """Moves due times and schedules along."""
        await asyncio.to_thread(self._runner.claims.set_back, self._stored.clock.now(), SET_BACK_S)
        await asyncio.to_thread(self._set_back)
        self._runner.wake()

    async def looked(self) -> None:
        """Does nothing: tasks do not rest in memory."""

    async def sweep(self) -> None:
        """Deletes what is over and too old or too much, some batches at most."""
        await asyncio.to_thread(self._clear)

    def _clear(self) -> None:
        now, settings = self._stored.clock.now(), self._stored.settings
        ages = {"done": settings.keep_s, "cancelled": settings.keep_s, "failed": settings.keep_failed_s}
        for state, age_s in ages.items():
            for _ in range(_BATCHES):
                if self._sweep.sweep(state, before=now - age_s, most=settings.keep_most) < BATCH:
                    break
        self._sweep.sweep_hosts(now)

    async def _give_back_strays(self, owned: dict[str, int]) -> None:
        """Gives back what the database says is run here, and is not.

        A connection that breaks while a claim commits leaves such tasks. Those seen for the first time may be
        just about to begin.
        """
        held, before = self._runner.held(), self._strays
        self._strays = {(task, token) for task, token in owned.items() if held.get(task) != token}
        now = self._stored.clock.now()
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
