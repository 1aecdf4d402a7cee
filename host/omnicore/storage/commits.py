"""Group commit: the small writes of many threads share transactions, and each gets its own answer.

`GroupCommit` has one writer (SQLite), `SharedCommits` several (PostgreSQL).
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

from omnicore.errors import StorageFailed
from omnicore.storage.store import Session, storage_busy

_T = TypeVar("_T")
Work = Callable[[Session], _T]

_BATCH = 256
_BATCH_S = 0.05  # the first work of a batch waits no longer than this for the last
_ATTEMPTS = 3
_LOST_S = 1.0


class Transactions(Protocol):
    """The database of a `GroupCommit`. All methods are called with the writer's lock held."""

    def begin(self, *, durable: bool = False) -> Session: ...

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def failure(self, error: BaseException) -> BaseException:
        """The error to raise: the database's own as `StorageFailed`, any other as it is."""

    def passing(self, error: BaseException) -> bool:
        """True when nothing was committed and the same work may succeed if it is repeated."""


class _Job(Generic[_T]):
    """One piece of work. `gate` opens when the work is done, or when its thread must lead."""

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
        """The result, in the thread that waited for it. Raises: the error of the work."""
        error = self.error
        if error is None:
            return self.result  # type: ignore[return-value]
        try:
            raise error
        finally:
            del error, self  # the error's traceback holds this frame: no circle for the collector

    def settle(self) -> None:
        """Sets the future, on the loop that waits for it."""
        if self._future is None or self._future.done():  # cancelled meanwhile
            return
        if self.error is not None:
            self._future.set_exception(self.error)
        else:
            self._future.set_result(self.result)  # type: ignore[arg-type]


class GroupCommit:
    """Group commit with one writer.

    The first thread leads: it runs all work that waits, in one transaction, and then hands the lead to a thread that
    arrived meanwhile. The other threads sleep, each at its own gate: if all of them slept at the writer's lock, they
    would wake one after the other, which takes longer than the disk.

    Work runs in the order in which it arrived. If it shares a transaction, it has a savepoint of its own, so that an
    exception undoes its own writes only. Results are delivered after the commit; if the commit fails, all work of the
    transaction fails.

    Owns: a thread that leads for event loops, from the first `apply_async` until `close`.
    """

    def __init__(self, lock: threading.RLock, transactions: Transactions) -> None:
        self._lock = lock
        self._transactions = transactions
        self._waiting: deque[_Job[Any]] = deque()
        self._mutex = threading.Lock()
        self._led = False  # a hint that a thread leads; the writer's lock makes sure that only one does
        self._called = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def apply(self, work: Work[_T]) -> _T:
        """Blocks until the work is committed; see `omnicore.storage.store.Store.apply`."""
        job = _Job(work)
        try:
            if self._enter(job):
                self._lead_until(job)
            else:
                self._wait(job)
        except BaseException:  # interrupted: if a leader has taken the work, it decides on the commit
            self._leave(job)
            raise
        return job.answer()

    async def apply_async(self, work: Work[_T]) -> _T:
        """The same without blocking the event loop; see `omnicore.storage.store.Store.apply_async`."""
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        if self._enter(_Job(work, future)):
            self._call()
        return await future

    def close(self) -> None:
        """Finishes the work that waits and ends the thread."""
        with self._mutex:
            self._closed = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._called.set()
            thread.join()
        self._lead_all()

    def _enter(self, job: _Job[Any]) -> bool:
        """Queues the work. Returns True when its thread must lead."""
        with self._mutex:
            self._waiting.append(job)
            if not self._led:
                self._led = job.leads = True
                return True
            if job.loop is None:
                job.gate = threading.Lock()
                job.gate.acquire()
            return False

    def _wait(self, job: _Job[Any]) -> None:
        gate = job.gate
        while gate is not None and not job.done:
            if gate.acquire(timeout=_LOST_S):
                if not job.done:
                    self._lead_until(job)
            elif self._lock.acquire(blocking=False):  # no thread leads: the one that should was interrupted
                self._lock.release()
                self._lead_until(job)

    def _leave(self, job: _Job[Any]) -> None:
        with self._mutex, suppress(ValueError):
            self._waiting.remove(job)
        if job.leads:
            self._hand_over()

    def _lead_until(self, job: _Job[Any]) -> None:
        with self._lock:
            while not job.done:
                self._lead()
        self._hand_over()

    def _lead_all(self) -> None:
        while self._waiting:
            with self._lock:  # acquired for each transaction, so that other writers get their turn
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
            _open_gate(following.gate)

    def _call(self) -> None:
        """Makes the commit thread lead."""
        with self._mutex:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._serve, name="omnicore-commit", daemon=True)
                self._thread.start()
        self._called.set()
        if self._closed:  # the thread has ended: the work fails because the database is closed
            self._lead_all()

    def _serve(self) -> None:
        while not self._closed:
            self._called.wait()
            self._called.clear()
            self._lead_all()

    def _lead(self) -> None:
        """Runs the work that waits, up to the size of one transaction."""
        with self._mutex:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]
        try:
            for attempt in range(1, _ATTEMPTS + 1):
                if not batch or self._transact(batch, last=attempt == _ATTEMPTS):
                    break
        finally:
            # Work that was not done returns to the queue: the batch took too long, or its leader was interrupted.
            with self._mutex:
                self._waiting.extendleft(job for job in reversed(batch) if not job.done)
            _deliver(batch)

    def _transact(self, batch: list[_Job[Any]], *, last: bool) -> bool:
        """Runs one transaction. Returns True when it ended, with or without success, False to repeat it."""
        tried: list[_Job[Any]] = []
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
            if keeping:  # it may be committed already, and must not be repeated
                _interrupted(tried)
            raise
        except BaseException as error:
            if not last and self._transactions.passing(error):
                return False
            for job in tried or batch:
                job.error, job.done = job.error or _told(self._transactions, error), True
            return True
        for job in tried:
            job.done = True
        return True

    def _work(self, session: Session, batch: list[_Job[Any]], tried: list[_Job[Any]]) -> None:
        if len(batch) == 1:  # alone, its transaction is its savepoint
            tried.append(batch[0])
            batch[0].error = None
            batch[0].result = batch[0].work(session)
            return
        end = time.monotonic() + _BATCH_S
        for job in batch:
            tried.append(job)
            _attempt(self._transactions, session, job, again=self._transactions.passing)
            if time.monotonic() > end:
                return


def _interrupted(jobs: Sequence[_Job[Any]]) -> None:
    """Fails work whose commit was interrupted: it is unknown whether it was committed."""
    for job in jobs:
        job.error = StorageFailed(
            "the process was interrupted during a commit",
            remedy="check whether the change is there before you repeat it",
        )
        job.done = True


def _deliver(batch: Sequence[_Job[Any]]) -> None:
    """Opens the gates of threads that wait, and wakes each event loop once for all of its work."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job[Any]]] = {}
    for job in batch:
        if job.done and job.loop is not None:
            loops.setdefault(job.loop, []).append(job)
        elif job.done and job.gate is not None:
            _open_gate(job.gate)
    for loop, jobs in loops.items():
        with suppress(RuntimeError):  # the loop is closed: nothing waits for the result
            loop.call_soon_threadsafe(_settle, jobs)


def _open_gate(gate: threading.Lock) -> None:
    """Wakes the thread at a gate."""
    with suppress(RuntimeError):  # open already
        gate.release()


def _settle(jobs: list[_Job[Any]]) -> None:
    for job in jobs:
        job.settle()


_COLLIDING_S = 10.0
_COLLIDED = frozenset({"collided"})
"""The lock of transactions that the server ended because of a deadlock: they run one after the other."""


class _LocalJob(_Job[Any]):
    """Work with the names of the locks it needs. `alone`: it met a lock of another session, and runs by itself."""

    __slots__ = ("alone", "locks", "since")

    def __init__(
        self, work: Callable[[Session], Any], locks: Sequence[str], future: asyncio.Future[Any] | None = None
    ) -> None:
        super().__init__(work, future)
        self.locks = frozenset(locks)
        self.alone = False
        self.since = time.monotonic()


class _Batch:
    """Jobs that share a transaction, and the locks that they need together."""

    __slots__ = ("alone", "collided", "jobs", "locks")

    def __init__(self, jobs: list[_LocalJob]) -> None:
        self.jobs = jobs
        self.locks = frozenset[str]().union(*(job.locks for job in jobs))
        self.collided = False
        self.alone = bool(jobs and jobs[0].alone)


class Transaction(ABC):
    """One writer's transaction, for `SharedCommits`."""

    @abstractmethod
    def begin(self, locks: frozenset[str], *, brief: bool) -> Session:
        """Opens the transaction and takes the locks. `brief`: no statement waits long for a lock."""

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def end(self) -> None:
        """Rolls back what is not committed and returns the connection. Raises nothing."""

    @abstractmethod
    def failure(self, error: BaseException) -> BaseException:
        """The error to raise: the database's own as `StorageFailed`, any other as it is."""

    @abstractmethod
    def passing(self, error: BaseException) -> bool:
        """True when nothing was committed and the same work may succeed if it is repeated."""

    @abstractmethod
    def collided(self, error: BaseException) -> bool:
        """True when the server ended the transaction because of a deadlock."""

    @abstractmethod
    def blocked(self, error: BaseException) -> bool:
        """True when a statement waited too long for a lock."""

    def undone(self, error: BaseException) -> bool:
        """True when the error is of the whole transaction, not of one piece of its work."""
        return self.passing(error) or self.blocked(error)


class SharedCommits:
    """Runs work in shared transactions on up to `most` connections at once.

    A thread that arrives while a writer is free leads: it runs all work that waits, in one transaction. The other
    threads sleep, each at its own gate. Work that needs a lock which another leader of this process holds stays in the
    queue, in its order.

    A batch runs without savepoints at first. If any work raises, the batch is rolled back and repeated with a
    savepoint for each piece, so that an error undoes its own writes only. Work that meets a lock of another session
    leaves its batch after a short wait and continues alone; at least half of the writers stay free of such work.

    Owns: threads that lead for event loops, until `close`.
    """

    def __init__(self, open_transaction: Callable[[], Transaction], most: int, patience_s: float) -> None:
        self._open, self._most, self._patience_s = open_transaction, most, patience_s
        self._waiting: deque[_LocalJob] = deque()
        self._mutex = threading.Lock()
        self._leaders = self._alone = 0
        self._held: set[str] = set()
        self._threads: ThreadPoolExecutor | None = None
        self._closed = False

    def apply(self, work: Callable[[Session], _T], locks: Sequence[str] = ()) -> _T:
        """Blocks until the work is committed; see `omnicore.storage.store.Store.apply`."""
        job = _LocalJob(work, locks)
        job.gate = threading.Lock()
        job.gate.acquire()
        leads = False
        try:
            leads = self._enter(job)
            while not job.done:
                if leads:
                    leads = False
                    self._lead()
                elif job.gate.acquire(timeout=_LOST_S):
                    leads, job.leads = job.leads, False
                else:
                    leads = self._step_in(job)
        finally:
            self._leave(job, leads)
        answer: _T = job.answer()
        return answer

    async def apply_async(self, work: Callable[[Session], _T], locks: Sequence[str] = ()) -> _T:
        """The same without blocking the event loop."""
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        if self._enter(_LocalJob(work, locks, future)):
            self._call()
        return await future

    def close(self) -> None:
        """Finishes the work that waits and ends the threads."""
        with self._mutex:
            self._closed = True
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=True)
        while self._waiting and self._step_in(None):
            self._lead()

    def _enter(self, job: _LocalJob) -> bool:
        """Queues the work. Returns True when its thread leads."""
        with self._mutex:
            self._waiting.append(job)
            return self._may_lead(job)

    def _may_lead(self, job: _LocalJob | None) -> bool:
        free = self._leaders < self._most and (job is None or self._eligible(job))
        self._leaders += free
        return free

    def _step_in(self, job: _LocalJob | None) -> bool:
        """Takes the lead for work that has waited long, because the thread that should lead was interrupted."""
        with self._mutex:
            return (job is None or (job in self._waiting and not job.done)) and self._may_lead(job)

    def _eligible(self, job: _LocalJob) -> bool:
        return job.locks.isdisjoint(self._held) and not (job.alone and self._alone >= max(1, self._most // 2))

    def _leave(self, job: _LocalJob, leads: bool) -> None:
        with self._mutex:
            leads, job.leads = leads or job.leads, False
            with suppress(ValueError):
                self._waiting.remove(job)  # interrupted before a leader took it
        if leads:  # another thread did its work meanwhile
            self._hand_over()

    def _draw(self) -> _Batch:
        with self._mutex:
            jobs: list[_LocalJob] = []
            left: deque[_LocalJob] = deque()
            for job in self._waiting:
                full = len(jobs) >= _BATCH or (jobs and (job.alone or jobs[0].alone))
                (left if full or not self._eligible(job) else jobs).append(job)
            self._waiting = left
            batch = _Batch(jobs)
            self._held |= batch.locks
            self._alone += batch.alone
            return batch

    def _lead(self) -> None:
        """Runs one batch, delivers its results and hands the lead over."""
        if self._lead_one():
            self._call()

    def _lead_one(self) -> bool:
        """The same. Returns True when a commit thread must lead next."""
        batch = self._draw()
        try:
            if batch.jobs:
                self._transact_all(batch)
        except BaseException:
            self._settle(batch)
            self._hand_over()
            raise
        self._settle(batch)
        return self._hand_over(call=False)

    def _settle(self, batch: _Batch) -> None:
        with self._mutex:
            self._waiting.extendleft(job for job in reversed(batch.jobs) if not job.done)
            self._held -= batch.locks
            self._alone -= batch.alone
        _deliver(batch.jobs)

    def _hand_over(self, *, call: bool = True) -> bool:
        with self._mutex:
            following = next((job for job in self._waiting if self._eligible(job) and not job.leads), None)
            if following is None:
                self._leaders -= 1
                return False
            if following.gate is not None:
                following.leads = True
        if following.gate is not None:
            _open_gate(following.gate)
            return False
        if call:
            self._call()
        return True

    def _call(self) -> None:
        """Makes a commit thread lead."""
        with self._mutex:
            if self._threads is None and not self._closed:
                self._threads = ThreadPoolExecutor(self._most, thread_name_prefix="omnicore-commit")
            threads = self._threads
        try:
            if threads is None:
                raise RuntimeError
            threads.submit(self._serve)
        except RuntimeError:  # the threads have ended: the work fails because the database is closed
            self._serve()

    def _serve(self) -> None:
        while self._lead_one():
            pass

    def _transact_all(self, batch: _Batch) -> None:
        first = batch.jobs[0]
        if batch.alone and time.monotonic() - first.since > self._patience_s:
            first.error, first.done = storage_busy(), True
            return
        attempt, apart, end = 1, False, time.monotonic() + _COLLIDING_S
        while (again := self._transact(batch, apart=apart, last=attempt >= _ATTEMPTS, end=end)) is not None:
            apart = apart or again
            attempt += not again

    def _transact(self, batch: _Batch, *, apart: bool, last: bool, end: float) -> bool | None:
        """Runs one transaction. After a deadlock it is repeated until `end`, after a lost connection until `last`.

        Returns: None when it ended, with or without success; True when it should be repeated with savepoints, False
            without.
        """
        tried: list[_LocalJob] = []
        keeping = False
        transaction = self._open()
        try:
            self._work(transaction, batch, tried, apart=apart)
            keeping = True
            transaction.commit()
        except KeyboardInterrupt:
            if keeping:  # it may be committed already, and must not be repeated
                _interrupted(tried)
            raise
        except BaseException as error:
            collided = transaction.collided(error) or (batch.collided and transaction.blocked(error))
            if collided and time.monotonic() < end:
                batch.collided = True
                return False
            if not last and transaction.passing(error):
                return False
            if not keeping and transaction.blocked(error):
                self._set_aside(transaction, batch, tried, error)
            elif not keeping and not apart and tried and len(batch.jobs) > 1:
                return True
            else:
                for job in tried or batch.jobs:
                    job.error, job.done = job.error or _told(transaction, error), True
            return None
        finally:
            transaction.end()
        for job in tried:
            job.done = True
        return None

    def _set_aside(self, transaction: Transaction, batch: _Batch, tried: list[_LocalJob], error: BaseException) -> None:
        """Handles a lock that was not granted: the work waits for it alone, or fails if it did that already."""
        if not batch.alone:
            for job in tried[-1:] or [job for job in batch.jobs if job.locks] or batch.jobs:
                job.alone, job.since = True, time.monotonic()
            return
        job = batch.jobs[0]
        job.error, job.done = _told(transaction, error), True
        early = time.monotonic() - self._patience_s
        with self._mutex:  # work that has waited as long for the same lock fails with it
            same = [one for one in self._waiting if one.since < early and not one.locks.isdisjoint(job.locks)]
            for one in same:
                self._waiting.remove(one)
        for one in same:
            one.error, one.done = storage_busy(), True
        _deliver(same)

    def _work(self, transaction: Transaction, batch: _Batch, tried: list[_LocalJob], *, apart: bool) -> None:
        locks = batch.locks | _COLLIDED if batch.collided else batch.locks
        session = transaction.begin(locks, brief=batch.collided or not batch.alone)
        end = time.monotonic() + _BATCH_S
        for job in batch.jobs:
            tried.append(job)
            job.error = None
            if apart:
                _attempt(transaction, session, job, again=transaction.undone)
            else:
                job.result = job.work(session)
            if time.monotonic() > end:
                return


def _attempt(
    database: Transactions | Transaction, session: Session, job: _Job[Any], *, again: Callable[[BaseException], bool]
) -> None:
    """Runs work in a savepoint of its own. Raises: an error of the whole transaction, by `again`."""
    session.execute("SAVEPOINT job")
    job.error = None
    try:
        job.result = job.work(session)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if again(error):
            raise
        try:
            session.execute("ROLLBACK TO job")
        except Exception:
            raise error from None  # the database rolled back the whole transaction (a full disk): all work of it failed
        job.error = _told(database, error)
    session.execute("RELEASE job")


def _told(database: Transactions | Transaction, error: BaseException) -> BaseException:
    """The error for one piece of work; an error of the database is a new instance for each."""
    told = database.failure(error)
    if told is not error:
        told.__cause__ = error
    return told
