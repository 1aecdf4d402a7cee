"""Runs probes side by side, each within its time; one that hangs is left behind and counts as a failure."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Finding", "Probe", "Prober"]

Probe = Callable[[], str | None] | Callable[[], Awaitable[str | None]]
"""Asks a part how it is. Nothing: well. A text: it works, but less well, and the text says why. What it raises
is a failure. A coroutine function runs on the loop, a plain one on a thread of its own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found. `failed`: the part did not answer; else `reason` says what is reduced, if anything."""

    failed: bool
    reason: str = ""


class Prober:
    """Remembers probes that hang, so that a part which never answers costs one thread or task, not one a round.

    Owns: the tasks and threads of probes; used on one event loop at a time.
    """

    def __init__(self) -> None:
        self._hanging: dict[str, asyncio.Future[str | None]] = {}

    async def run(self, probes: Mapping[str, Probe], timeout_s: float) -> dict[str, Finding]:
        """What each probe found, after at most `timeout_s`."""
        found: dict[str, Finding] = {}
        begun: dict[str, asyncio.Future[str | None]] = {}
        for name, probe in probes.items():
            if self._hangs(name):
                found[name] = Finding(failed=True, reason="the probe of an earlier round still hangs")
            else:
                begun[name] = _begin(name, probe)
        if begun:
            await asyncio.wait(begun.values(), timeout=timeout_s)
        late = [future.cancel() for future in begun.values() if not future.done() and isinstance(future, asyncio.Task)]
        if late:
            await asyncio.sleep(0)  # a task that heeds the cancellation is over after that
        for name, future in begun.items():
            found[name] = self._finding(name, future, timeout_s)
        return found

    def cancel(self) -> None:
        """Gives up what still hangs."""
        for future in self._hanging.values():
            future.cancel()
        self._hanging.clear()

    def _hangs(self, name: str) -> bool:
        future = self._hanging.get(name)
        if future is None:
            return False
        # A future of a loop that is gone ends no more; its probe may be tried on the present one.
        if future.done() or future.get_loop() is not asyncio.get_running_loop():
            del self._hanging[name]
            return False
        return True

    def _finding(self, name: str, future: asyncio.Future[str | None], timeout_s: float) -> Finding:
        late = Finding(failed=True, reason=f"no answer within {timeout_s:g} s")
        if not future.done():
            # Not waited for: a probe may swallow the cancellation, and a thread cannot be cancelled at all.
            self._hanging[name] = future
            future.add_done_callback(_looked_at)
            return late
        if future.cancelled():
            return late
        error = future.exception()
        if error is not None:
            return Finding(failed=True, reason=str(error)[:500] or type(error).__name__)
        return Finding(failed=False, reason=(future.result() or "")[:500])


def _begin(name: str, probe: Probe) -> asyncio.Future[str | None]:
    if inspect.iscoroutinefunction(probe):
        return asyncio.ensure_future(probe())
    return _on_thread(name, probe)  # type: ignore[arg-type]


def _on_thread(name: str, probe: Callable[[], str | None]) -> asyncio.Future[str | None]:
    # A thread of its own, a daemon: in the loop's common pool a hanging probe would take a place from everybody,
    # and the interpreter would wait for it at its end.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str | None] = loop.create_future()

    def work() -> None:
        try:
            result, error = probe(), None
        except Exception as caught:
            result, error = None, caught
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it any more
            loop.call_soon_threadsafe(_settle, future, result, error)

    threading.Thread(target=work, name=f"omnicore-probe-{name}", daemon=True).start()
    return future


def _settle(future: asyncio.Future[str | None], result: str | None, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _looked_at(future: asyncio.Future[str | None]) -> None:
    if not future.cancelled():
        future.exception()  # else the loop complains that nobody asked
