"""Group commit of the journal: one transaction under way, while the next batch gathers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from omnicore.clock import Clock
from omnicore.errors import HostLost, StorageFailed
from omnicore.storage.store import Store
from omnicore.workflows.journal_batch import Answer, Batch, Job, Told, is_fenced

__all__ = ["Ended", "Queue"]

_MOST = 512
Ended = Callable[[Answer, bool], None]
"""What is done with an answer, and whether somebody still waits for it."""


class _Waiting:
    """A job, for the host that it was made by."""

    __slots__ = ("ended", "future", "host", "job")

    def __init__(self, host: str, job: Job, future: asyncio.Future[Any], ended: Ended | None) -> None:
        self.host, self.job, self.future, self.ended = host, job, future, ended

    def settle(self, answer: Answer) -> None:
        if self.ended is not None:
            self.ended(answer, not self.future.done())
        if self.future.done():  # cancelled meanwhile
            return
        if answer.error is not None:
            self.future.set_exception(answer.error)
        else:
            self.future.set_result(answer.value)


class Queue:
    """Jobs in their order. Belongs to one event loop; whoever waits may be cancelled, its job is done all the same.

    Args: told: called with what a batch tells, once it is kept and before anybody has an answer.
    """

    def __init__(self, store: Store, clock: Clock, told: Callable[[Told], None]) -> None:
        self._store, self._clock, self._told = store, clock, told
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    def put(self, host: str, job: Job, ended: Ended | None = None) -> asyncio.Future[Any]:
        """Queues a job; the future has its answer once it is kept."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(host, job, future, ended))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return future

    async def settled(self) -> None:
        """Returns when nothing is queued or under way."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._keep(batch)
        finally:
            self._task = None
            left, self._waiting = self._waiting, []
            for one in left:  # cancelled: the loop ends, and nobody keeps these any more
                one.settle(Answer(error=_ended()))

    async def _keep(self, batch: Sequence[_Waiting]) -> Answer | None:
        """Keeps jobs together, or one by one where one of them spoils it for all; the answer to one alone."""
        host = batch[-1].host
        stale = [one for one in batch if one.host != host and is_fenced(one.job)]
        for one in stale:
            one.settle(Answer(error=HostLost("this host goes on as a new one", remedy="nothing")))
        if stale:
            batch = [one for one in batch if one not in stale]
        work = Batch(host, [one.job for one in batch], self._clock.now())
        try:
            answers = await self._store.apply_async(work)
        except asyncio.CancelledError:
            for one in batch:
                one.settle(Answer(error=_ended()))
            raise
        except BaseException as error:  # whatever it is, whoever waits has to know
            return await self._spoilt(batch, work, error)
        self._told(work.told)
        for one, answer in zip(batch, answers, strict=True):
            one.settle(answer)
        return answers[0]

    async def _spoilt(self, batch: Sequence[_Waiting], work: Batch, error: BaseException) -> Answer:
        answer = Answer(error=error)
        if len(batch) == 1 or not work.broke:
            for one in batch:
                one.settle(answer)
            return answer
        failed = 0
        for place, one in enumerate(batch):
            found = await self._keep([one])
            failed = failed + 1 if found is not None and isinstance(found.error, StorageFailed) else 0
            if failed > 1 and found is not None:  # it is the disk, not one of them
                for left in batch[place + 1 :]:
                    left.settle(found)
                break
        return answer


def _ended() -> StorageFailed:
    return StorageFailed("the host ends", remedy="look whether the change is there before you repeat it")
