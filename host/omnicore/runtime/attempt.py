"""One attempt at a stored task: the call, its deadline, and how it ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal, Protocol

from omnicore.clock import Clock
from omnicore.errors import DeadlineExceeded, OmniError
from omnicore.runtime.failures import Failure, failure_of, wait_s
from omnicore.runtime.orders import stored_json
from omnicore.runtime.task import TaskContext
from omnicore.storage.tables.tasks import TaskRow
from omnicore.storage.tables.tasks_claim import Ending

__all__ = ["Attempt", "Call", "Cut"]

Cut = Literal["cancelled", "lost", "stopping"]


class Call(Protocol):
    """Calls a function with a JSON value; `omnicore.plugins.json_calls` makes one of a plugin host."""

    def __call__(
        self, ref: str, value: Any, *, timeout_s: float | None = None, host_context: Any = None
    ) -> Awaitable[Any]: ...


@dataclass(slots=True, eq=False)
class Attempt:
    """An attempt that runs. `cut` says why it was cut short, if it was."""

    row: TaskRow
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
                output = await call(row.function, json.loads(row.input), timeout_s=row.timeout_s, host_context=context)
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
        """How an attempt ended that was cut."""
        if self.cut in ("cancelled", "lost"):
            return None  # the row says so already
        return Ending(self.row.id, self.row.token, "waiting", now, counted=False)

    def _failed(self, failure: Failure, now: float) -> Ending:
        row, text = self.row, _storable(failure.text)
        if not failure.retry or row.attempts >= row.most_attempts:
            return Ending(row.id, row.token, "failed", now, error=text, code=failure.code)
        steps = tuple(json.loads(row.backoff)) if row.backoff else ()
        due_at = now + wait_s(row.attempts, steps, failure, self.random)
        return Ending(row.id, row.token, "waiting", now, error=text, code=failure.code, due_at=due_at)


def _limit_s(row: TaskRow, now: float) -> float | None:
    """The attempt's own limit or what is left until the task expires. A plugin has its own limit beside."""
    left = None if row.expires_at is None else max(0.0, row.expires_at - now)
    return min((limit for limit in (row.timeout_s, left) if limit is not None), default=None)


def _too_long(row: TaskRow) -> DeadlineExceeded:
    return DeadlineExceeded(
        f"the attempt at {row.function} took longer than it may",
        remedy="give the task a longer timeout_s or expires_s, or less to do",
        limit="timeout_s",
        allowed=row.timeout_s,
    )


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
