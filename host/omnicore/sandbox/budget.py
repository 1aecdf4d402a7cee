"""One budget for the memory of all sandboxes of this process, compilers included.

The engine's limiter knows one store only, so an admitted guest may grow to its limit between two checks. Admission
therefore has two modes. While less than half is used, guests with an ordinary limit are admitted at once and charged
for what they hold, which is checked at every tick and at the end of every call and costs a call nothing. Guests with
a large limit, and all guests once more than half is used, are admitted with what they may grow to. A guest that does
not fit waits for a bounded time; idle sandboxes and stores are freed first.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import resource
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from omnicore.errors import Unavailable
from omnicore.sandbox.abi import MIB

KEPT_BYTES = 48 * MIB
NEVER_KEPT = 1 << 62
"""The size that is always freed when it was idle for a while."""
_COOL_S = 3.0


class IdleOwner(Protocol):
    """An owner of stores or instances that are kept for later calls.

    Idle stores hold slots of the engine's pool, and so do the guests that were made in them: without this, a few
    plugins that nobody calls could keep every other one from being called. Idle sandboxes hold the memory that their
    last calls touched: what is left of a burst goes back to the machine within seconds.
    """

    def give_up(self) -> int:
        """Frees everything idle and returns how many. Called from any thread."""

    def holds(self, kept: Any) -> bool:
        """True while this one is idle."""

    def drop(self, kept: Any) -> bool:
        """Frees this one; False when it is in use or gone. Called from any thread."""


_keys = itertools.count()
_OWNERS: weakref.WeakValueDictionary[int, IdleOwner] = weakref.WeakValueDictionary()


def register_idle_owner(keeper: IdleOwner) -> None:
    """Registers an owner for as long as it lives."""
    _OWNERS[next(_keys)] = keeper


def reclaim() -> bool:
    """Frees everything idle. Returns True when there was anything."""
    keepers = [reference() for reference in _OWNERS.valuerefs()]
    # Twice: an instance that is given up leaves its store to an owner that may have been asked before.
    return sum(keeper.give_up() for _ in range(2) for keeper in keepers if keeper is not None) > 0


@dataclass(slots=True)
class _IdleEntry:
    keeper: weakref.ref[IdleOwner]
    size: int
    since: float
    stays: bool = False


class Cooling:
    """Frees what is large and was idle for three seconds, the longest idle first, down to `kept_bytes`.

    Its thread runs only while something is idle.

    Args:
        kept_bytes: what may stay for longer, of all plugins together.
    """

    def __init__(self, *, kept_bytes: int = KEPT_BYTES, after_s: float = _COOL_S) -> None:
        self.kept_bytes = kept_bytes
        self._after_s = after_s
        self.forked()

    def forked(self) -> None:
        """Starts again in a forked child, which has neither the thread nor anything idle."""
        self._kept: dict[Any, _IdleEntry] = {}
        self._lock = threading.RLock()  # what the collector frees may come here on the same thread
        self._running = False

    def note(self, keeper: IdleOwner, kept: Any, size: int) -> None:
        """Records that something is idle from now on and holds `size` bytes. A second call restarts its time."""
        with self._lock:
            self._kept.pop(kept, None)  # the longest unused stand first
            self._kept[kept] = _IdleEntry(weakref.ref(keeper), size, time.monotonic())
            if self._running:
                return
            self._running = True
        threading.Thread(target=self._run, name="omnicore-cooling", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                first = next((one for one in self._kept.values() if not one.stays), None)
                if first is None:
                    self._running = False
                    return
            time.sleep(max(0.05, first.since + self._after_s - time.monotonic()))
            self.cool(time.monotonic())

    def cool(self, now: float) -> int:
        """Frees what is too much at this time and returns how many. Units: monotonic seconds."""
        room, leaving = self.kept_bytes, []
        with self._lock:
            for kept, one in reversed(list(self._kept.items())):
                keeper, due = one.keeper(), now - one.since >= self._after_s
                if keeper is None or (due and not keeper.holds(kept)):
                    del self._kept[kept]
                    continue
                room -= one.size
                one.stays = due and room >= 0
                if due and not one.stays:
                    room += one.size
                    leaving.append((keeper, kept))
                    del self._kept[kept]
        return sum(keeper.drop(kept) for keeper, kept in leaving)


COOLING = Cooling()
os.register_at_fork(after_in_child=COOLING.forked)


_UNKNOWN = 1 << 30
_MOST_READ = 64 * 1024


def memory_of(root: Path = Path("/"), *, address_space: int | None = None) -> int:
    """The least of what `/proc/meminfo`, the control groups (version 1 or 2) and `ulimit -v` say. Units: bytes.

    Args:
        address_space: instead of this process's own limit, where -1 means none.
    """
    space = resource.getrlimit(resource.RLIMIT_AS)[0] if address_space is None else address_space
    total = re.search(r"^MemTotal:\s+(\d{1,15}) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    known = [int(total[1]) * 1024] if total else []
    known += [size for size in (space, *_allowed(root)) if size > 0]
    return min(known, default=_UNKNOWN)


def _allowed(root: Path) -> Iterator[int]:
    """Limits of this process's control groups, from its own up to the root: each of them bounds those below."""
    for line in _text(root / "proc/self/cgroup").splitlines() or ["0::/"]:
        _, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        if kinds and "memory" not in kinds.split(","):
            continue
        top, name = ("memory", "memory.limit_in_bytes") if kinds else ("", "memory.max")
        # In a container the path may be the host's, which is not mounted here: its own group is the mount itself.
        inside = [part for part in PurePosixPath(path).parts if part not in ("/", "..")]
        for depth in range(len(inside), -1, -1):
            text = _text(root.joinpath("sys/fs/cgroup", top, *inside[:depth], name)).strip()
            if text.isascii() and text.isdigit():
                yield int(text)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_READ).decode("utf-8", "replace")
    except OSError:
        return ""


WAIT_S = 2.0
_ORDINARY_BYTES = 64 * MIB
_SHARE = 16  # a limit above this part of the budget is a large one

SHORT: list[None] = []
"""Not empty while more than half of the budget is used. A list, because checking it costs a call 10 ns."""


class Charged(Protocol):
    """A holder of memory of the budget. Only the budget writes `charged`. Units: bytes."""

    charged: int


class Charge:
    """A plain holder."""

    __slots__ = ("charged",)

    def __init__(self) -> None:
        self.charged = 0


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """The state of the budget. `refused` counts holders that did not fit in time or grew too far. Units: bytes."""

    total_bytes: int
    used_bytes: int
    waiting: int
    refused: int


class _Waiter:
    __slots__ = ("admitted", "bound", "holder", "size", "wake")

    def __init__(self, holder: Charged, size: int, bound: int, wake: Callable[[], object]) -> None:
        self.holder, self.size, self.bound, self.wake = holder, size, bound, wake
        self.admitted = False


class MemoryBudget:
    """Counts the memory of holders and admits further ones. Safe to use from several threads.

    Args:
        total: None for half of what the machine or its control group has. Units: bytes.
        wait_s: how long a holder that does not fit waits.
        short: the list that is filled while more than half is used.
    """

    def __init__(self, total: int | None = None, *, wait_s: float = WAIT_S, short: list[None] | None = None) -> None:
        self._short: list[None] = [] if short is None else short
        self._used = self._refused = 0
        self._begin()
        self.resize(total, wait_s=wait_s)

    def _begin(self) -> None:
        # Objects that the collector ends inside of it may give their charge back on the same thread.
        self._lock = threading.RLock()
        self._waiting: list[_Waiter] = []

    def forked(self) -> None:
        """Starts again in a forked child, which has no sandboxes."""
        self._begin()
        self._used = 0
        self._short.clear()

    def resize(self, total: int | None, *, wait_s: float = WAIT_S) -> None:
        """Sets the size, as the constructor does. Admitted holders stay; others wait until they fit."""
        with self._lock:
            self.total = total or memory_of() // 2
            self.wait_s = wait_s
            self._ordinary = max(_ORDINARY_BYTES, self.total // _SHARE)
            woken = self._changed()
        _wake(woken)

    def use(self) -> BudgetUse:
        """The present state."""
        with self._lock:
            return BudgetUse(self.total, self._used, len(self._waiting), self._refused)

    def is_ordinary(self, limit: int) -> bool:
        """True for limits whose guests are admitted at once while less than half of the budget is used."""
        return limit <= self._ordinary

    def charge(self, holder: Charged, size: int) -> bool:
        """Charges a holder with `size` bytes in all. Returns True when everything fits."""
        woken = None
        with self._lock:
            self._used = used = self._used + size - holder.charged
            holder.charged = size
            if self._waiting or (used * 2 > self.total) is not bool(self._short):
                woken = self._changed()
        if woken:
            _wake(woken)
        return used <= self.total

    def grow(self, holder: Charged, size: int) -> bool:
        """The same for a guest that has grown: idle sandboxes make room. Returns True when it fits."""
        if self.charge(holder, size) or (reclaim() and self._used <= self.total):
            return True
        with self._lock:
            self._refused += 1
        return False

    def admit(self, holder: Charged, limit: int, *, beside: int = 0, whole: bool = False) -> None:
        """Charges a holder with what it may grow to. Blocks while that does not fit.

        Args:
            beside: what it holds that is not under the limit. Units: bytes.
            whole: its growth cannot be measured, so it is charged with all of its limit.

        Raises: Unavailable: it did not fit in time.
        """
        size, bound = self._wanted(limit, whole=whole)
        self._wait(holder, size + beside, bound, self.wait_s)

    def place(self, holder: Charged, size: int, *, wait_s: float) -> None:
        """Charges a holder that never grows with `size` bytes. Blocks. Raises: Unavailable."""
        self._wait(holder, min(size, self.total), self.total, wait_s)

    def turn_away(self, holder: Charged) -> None:
        """Ends the wait of a holder, which is then refused as if its time were over."""
        with self._lock:
            woken = [waiter for waiter in self._waiting if waiter.holder is holder]
        _wake(woken)

    async def admit_async(self, holder: Charged, limit: int, *, beside: int = 0) -> None:
        """The same for an event loop. Raises: Unavailable."""
        loop, fits = asyncio.get_running_loop(), asyncio.Event()
        size, bound = self._wanted(limit, whole=False)
        waiter = self._enter(holder, size + beside, bound, lambda: loop.call_soon_threadsafe(fits.set))
        if waiter is None:
            return
        waited = asyncio.ensure_future(fits.wait())
        try:
            await asyncio.wait((waited,), timeout=self.wait_s)
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise
        finally:
            waited.cancel()
        self._leave(waiter)

    def over(self) -> Unavailable:
        """The error of a holder that does not fit."""
        return Unavailable(
            f"the memory of all sandboxes is in use: {self._used // MIB} of {self.total // MIB} MiB",
            remedy="try again, let fewer large calls run at once, or raise sandbox_memory_bytes",
            limit="sandbox_memory_bytes",
            allowed=self.total,
            retry_after_s=max(1.0, self.wait_s),
        )

    # Private methods whose names end in `ed` are called with the lock held.

    def _wanted(self, limit: int, *, whole: bool) -> tuple[int, int]:
        """The size to admit a holder with, and how far the budget may be used then: holders with large limits cannot
        use the last quarter, so that they do not keep out all others."""
        most = self.total - self.total // 4
        if whole:
            return min(limit, most), most if limit > self._ordinary else self.total
        if limit > self._ordinary:  # no more than half, or one would have to be alone; what it grows beyond is watched
            return min(limit, self.total // 2), most
        return min(limit, self.total // _SHARE), self.total

    def _wait(self, holder: Charged, size: int, bound: int, wait_s: float) -> None:
        fits = threading.Event()
        waiter = self._enter(holder, size, bound, fits.set)
        if waiter is None:
            return
        try:
            fits.wait(wait_s)
        except BaseException:
            self._give_up(waiter)
            raise
        self._leave(waiter)

    def _enter(self, holder: Charged, size: int, bound: int, wake: Callable[[], object]) -> _Waiter | None:
        waiter = _Waiter(holder, max(size, holder.charged), bound, wake)
        with self._lock:
            if self._admitted(waiter):
                return None
        reclaim()
        with self._lock:
            if self._admitted(waiter):
                return None
            self._waiting.append(waiter)
        return waiter

    def _admitted(self, waiter: _Waiter) -> bool:
        more = waiter.size - waiter.holder.charged
        # A single holder is always admitted: nothing could make more room for it.
        if self._used + more > waiter.bound and self._used > waiter.holder.charged:
            return False
        self._used += more
        waiter.holder.charged = waiter.size
        waiter.admitted = True
        self._marked()
        return True

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter.admitted:
                return
            self._waiting.remove(waiter)
            self._refused += 1
        raise self.over()

    def _give_up(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.admitted:
                self._waiting.remove(waiter)

    def _marked(self) -> None:
        if self._used * 2 > self.total:
            if not self._short:
                self._short.append(None)
        elif self._short:
            self._short.clear()

    def _changed(self) -> list[_Waiter]:
        self._marked()
        if not self._waiting:
            return []
        woken = [waiter for waiter in self._waiting if self._admitted(waiter)]
        self._waiting = [waiter for waiter in self._waiting if not waiter.admitted]
        return woken


def _wake(waiters: list[_Waiter]) -> None:
    for waiter in waiters:
        try:
            waiter.wake()
        except RuntimeError:  # its event loop was closed meanwhile, and the waiter with it
            continue


BUDGET = MemoryBudget(short=SHORT)
os.register_at_fork(after_in_child=BUDGET.forked)
