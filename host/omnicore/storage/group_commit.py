"""Group commit: the small writes of many threads share one transaction, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from omnicore.errors import StorageFailed
from omnicore.storage.store import Session

__all__ = ["GroupCommit", "Job", "Transactions", "deliver", "interrupted", "open_gate"]

_T = TypeVar("_T")
Work = Callable[[Session], _T]

_BATCH = 256
_BATCH_S = 0.05  # those who came early wait no longer than this for those who came late
_ATTEMPTS = 3
_LOST_S = 1.0


class Transactions(Protocol):
    """A database for group commit. Everything is called under its writer's lock."""

    def begin(self, *, durable: bool = False) -> Session: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def failure(self, error: BaseException) -> BaseException:
        """The error to tell: the database's own as `StorageFailed`, any other as it is."""

    def passing(self, error: BaseException) -> bool:
        """True when nothing was kept and the same work may succeed if it is done again."""


class Job(Generic[_T]):
    """One piece of work. `gate` opens when it is done, or when its thread is to lead."""

    __slots__ = ("_future", "done", "error", "gate", "leads", "loop", "result", "work")

    def __init__(self, work: Work[_T], future: asyncio.Future[_T] | None = None) -> None:
        self.work = work
        self.result: _T | None = None
        self.error: BaseException | None = None
        self.done = self.leads = False
        self.gate: threading.Lock | None = None
        self.loop = future.get_loop() if future is not None else None
        self._future = future

    def answer(self) -> _T:
        """In the thread that waited for it."""
        error = self.error
        if error is None:
            return self.result  # type: ignore[return-value]
        try:
            raise error
        finally:
            del error, self  # the error's traceback holds this frame: no circle for the collector

    def settle(self) -> None:
        """On the loop that waits for it."""
        if self._future is None or self._future.done():  # cancelled meanwhile
            return
        if self.error is not None:
            self._future.set_exception(self.error)
        else:
            self._future.set_result(self.result)  # type: ignore[arg-type]


class GroupCommit:
    """The first who comes leads: it does the work of all who came by then, in one transaction, and then hands the
    lead to one of those who came meanwhile. Who does not lead sleeps at its own gate: all of them at the writer's
    lock would wake one after the other, which takes longer than the disk.

    Work runs in the order it came. Among others it has a savepoint of its own, so that what it raises undoes
    its own writes only; answers are given after the commit, and a commit that fails fails all of them.

    Owns: a thread that leads for event loops, from the first `apply_async` until `close`.
    """

    def __init__(self, lock: threading.RLock, transactions: Transactions) -> None:
        self._lock = lock
        self._transactions = transactions
        self._waiting: deque[Job[Any]] = deque()
        self._mutex = threading.Lock()
        self._led = False  # a hint that somebody leads; that only one does is for the writer's lock
        self._called = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def apply(self, work: Work[_T]) -> _T:
        """Blocks until the work is kept; see `omnicore.storage.store.Store.apply`."""
        job = Job(work)
        try:
            if self._enter(job):
                self._lead_until(job)
            else:
                self._wait(job)
        except BaseException:  # interrupted: taken already, its leader decides whether it is kept
            self._leave(job)
            raise
        return job.answer()

    async def apply_async(self, work: Work[_T]) -> _T:
        """The same for an event loop, which goes on meanwhile; see `omnicore.storage.store.Store.apply_async`."""
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        if self._enter(Job(work, future)):
            self._call()
        return await future

    def close(self) -> None:
        """Ends the thread when the work that waits is done."""
        with self._mutex:
            self._closed = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._called.set()
            thread.join()
        self._lead_all()

    def _enter(self, job: Job[Any]) -> bool:
        """Queues the work. Returns: whether it leads."""
        with self._mutex:
            self._waiting.append(job)
            if not self._led:
                self._led = job.leads = True
                return True
            if job.loop is None:
                job.gate = threading.Lock()
                job.gate.acquire()
            return False

    def _wait(self, job: Job[Any]) -> None:
        gate = job.gate
        while gate is not None and not job.done:
            if gate.acquire(timeout=_LOST_S):
                if not job.done:
                    self._lead_until(job)
            elif self._lock.acquire(blocking=False):  # nobody leads: the one who should was interrupted
                self._lock.release()
                self._lead_until(job)

    def _leave(self, job: Job[Any]) -> None:
        with self._mutex, suppress(ValueError):
            self._waiting.remove(job)
        if job.leads:
            self._hand_over()

    def _lead_until(self, job: Job[Any]) -> None:
        with self._lock:
            while not job.done:
                self._lead()
        self._hand_over()

    def _lead_all(self) -> None:
        while self._waiting:
            with self._lock:  # taken anew for each transaction, so that others get their turn
                self._lead()
        self._hand_over()

    def _hand_over(self) -> None:
        with self._mutex:
            following = self._waiting[0] if self._waiting else None
            self._led = following is not None
            if following is None:
                return
            following.leads = True
        if following.gate is None:
            self._call()
        else:
            open_gate(following.gate)

    def _call(self) -> None:
        """Has the thread lead."""
        with self._mutex:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._serve, name="omnicore-commit", daemon=True)
                self._thread.start()
        self._called.set()
        if self._closed:  # nobody serves any more: the database answers that it is closed
            self._lead_all()

    def _serve(self) -> None:
        while not self._closed:
            self._called.wait()
            self._called.clear()
            self._lead_all()

    def _lead(self) -> None:
        """Does the work that waits, as much as one transaction should hold."""
        with self._mutex:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                if not batch or self._transact(batch, last=attempt == _ATTEMPTS):
                    break
        finally:
            # Undone work goes back in its order: the batch took too long, or its leader was interrupted.
            with self._mutex:
                self._waiting.extendleft(job for job in reversed(batch) if not job.done)
            deliver(batch)

    def _transact(self, batch: list[Job[Any]], *, last: bool) -> bool:
        """One transaction. Returns: whether it came to an end, good or bad; else it is worth another try."""
        tried: list[Job[Any]] = []
        keeping = False
        try:
            try:
                self._work(self._transactions.begin(), batch, tried)
                keeping = True
                self._transactions.commit()
            except BaseException:
                self._transactions.rollback()
                raise
        except KeyboardInterrupt:
            if keeping:  # it may be kept already, and must not be done twice
                interrupted(tried)
            raise
        except BaseException as error:
            if not last and self._transactions.passing(error):
                return False
            for job in tried or batch:
                job.error, job.done = job.error or self._told(error), True
            return True
        for job in tried:
            job.done = True
        return True

    def _work(self, session: Session, batch: list[Job[Any]], tried: list[Job[Any]]) -> None:
        if len(batch) == 1:  # alone, its transaction is its savepoint
            tried.append(batch[0])
            batch[0].error = None
            batch[0].result = batch[0].work(session)
            return
        end = time.monotonic() + _BATCH_S
        for job in batch:
            tried.append(job)
            self._attempt(session, job)
            if time.monotonic() > end:
                return

    def _attempt(self, session: Session, job: Job[Any]) -> None:
        session.execute("SAVEPOINT job")
        job.error = None
        try:
            job.result = job.work(session)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self._transactions.passing(error):
                raise
            try:
                session.execute("ROLLBACK TO job")
            except Exception:
                raise error from None  # the database gave up the whole transaction (a full disk): all of them failed
            job.error = self._told(error)
        session.execute("RELEASE job")

    def _told(self, error: BaseException) -> BaseException:
        """The error for one of many, each with an instance of its own where the database speaks."""
        told = self._transactions.failure(error)
        if told is not error:
            told.__cause__ = error
        return told


def interrupted(jobs: Sequence[Job[Any]]) -> None:
    """Answers work whose commit was interrupted: nobody knows whether it was kept."""
    for job in jobs:
        job.error = StorageFailed(
            "the process was interrupted while it kept a change",
            remedy="look whether the change is there before you repeat it",
        )
        job.done = True


def deliver(batch: Sequence[Job[Any]]) -> None:
    """Opens the gates of those who wait, and wakes each event loop once for all of its work."""
    loops: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = {}
    for job in batch:
        if job.done and job.loop is not None:
            loops.setdefault(job.loop, []).append(job)
        elif job.done and job.gate is not None:
            open_gate(job.gate)
    for loop, jobs in loops.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, jobs)


def open_gate(gate: threading.Lock) -> None:
    """Lets the thread at a gate go on."""
    with suppress(RuntimeError):  # open already
        gate.release()


def _settle(jobs: list[Job[Any]]) -> None:
    for job in jobs:
        job.settle()
