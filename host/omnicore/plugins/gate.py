"""The gate of a plugin whose calls are limited, on all hosts of a database together.

A host leases places and tokens in batches, a transaction each. A call takes one of them in 1.5 us, without the
database.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Literal, ParamSpec, Protocol, TypeVar

from omnicore.errors import LimitExceeded
from omnicore.storage.tables.connectors import BudgetOrder, SharedLimits
from omnicore.storage.tables.limits import CallLimit, LimitsTable

_P = ParamSpec("_P")
_T = TypeVar("_T")

LEASE_S = 5.0
"""The time after which the places of a host that was killed are free again."""

_SURE_S = 1.0  # the host stops using a lease so long before others may take it: threads wait for the processor
_LEASED_S = 0.1
_PART = 4  # a host asks for a quarter of all places at once
_AGAIN_S = 0.1
_IDLE_S = 1.0


class Ledger(Protocol):
    """Where places and tokens of a plugin come from."""

    instant: bool
    """True when asking takes no time: no database is behind it."""

    def places(self, plugin: str, wanted: int, most: int) -> int:
        """How many places this host holds from now on. Raises: StorageFailed."""

    def tokens(self, plugin: str, rate: float) -> float:
        """Tokens for calls. Raises: StorageFailed."""


class OwnLedger:
    """The ledger of a host that has its database for itself."""

    instant = True

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def places(self, plugin: str, wanted: int, most: int) -> int:
        """All there are."""
        return most if wanted else 0

    def tokens(self, plugin: str, rate: float) -> float:
        """All that have come, a second's worth at most."""
        now, burst = self._monotonic(), max(1.0, rate)
        with self._lock:
            tokens, at = self._buckets.get(plugin, (burst, now))
            tokens = min(burst, tokens + (now - at) * rate)
            self._buckets[plugin] = (tokens % 1.0, now)
        return float(int(tokens))


class SharedLedger:
    """The ledger of hosts that share a database."""

    instant = False

    def __init__(self, table: LimitsTable, budgets: SharedLimits, host: str) -> None:
        self._table, self._budgets, self._host = table, budgets, host

    def places(self, plugin: str, wanted: int, most: int) -> int:
        """See `LimitsTable.hold`."""
        return self._table.hold(plugin, self._host, wanted=wanted, most=most, lease_s=LEASE_S)

    def tokens(self, plugin: str, rate: float) -> float:
        """Those of a tenth of a second, one at least. See `SharedLimits.lease`."""
        order = BudgetOrder(f"plugin:{plugin}", rate, max(1.0, rate), max(1.0, rate * _LEASED_S))
        return self._budgets.lease([order])[0]


@dataclass(slots=True)
class HeldLimit:
    """What this host holds of a plugin's limit. Units: times in seconds of the monotonic clock."""

    places: int = 0
    running: int = 0
    tokens: float = 0.0
    until: float = 0.0
    used_at: float = 0.0
    not_before: float = 0.0
    """A time before which nothing more is asked for: there was nothing a moment ago."""


class LimitGate:
    """Lets calls of one plugin through while this host holds a place and a token. Usable from any thread.

    What waits for the database holds nothing meanwhile, so that a task that is cancelled then takes nothing along.
    """

    def __init__(self, limit: CallLimit, ledger: Ledger, monotonic: Callable[[], float]) -> None:
        self.limit = limit
        self.instant = ledger.instant
        self.came: Callable[[], None] = _nothing
        """Called when this host begins to hold places."""
        self._ledger, self._monotonic = ledger, monotonic
        self._holding = HeldLimit()
        self._lock = threading.Lock()
        self._asking = threading.Lock()

    def enter(self) -> bool:
        """Takes a place and a token; False when this host has to ask for them first. Raises: LimitExceeded."""
        limit, held = self.limit, self._holding
        with self._lock:
            now = self._monotonic()
            short = self._short(now)
            if not short:
                held.running += 1
                held.used_at = now
                if limit.per_second is not None:
                    held.tokens -= 1.0
                return True
            if now < held.not_before:
                raise self._over(short, held.not_before - now)
            return False

    def call(self, function: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """The result of a function that may be called now. Raises: LimitExceeded, StorageFailed; what it raises."""
        while not self.enter():
            self.fill()
        try:
            return function(*args, **named)
        finally:
            self.leave()

    async def call_async(
        self, function: Callable[_P, Coroutine[None, None, _T]], *args: _P.args, **named: _P.kwargs
    ) -> _T:
        """The same for a coroutine function."""
        while not self.enter():
            if self.instant:
                self.fill()
            else:
                await asyncio.to_thread(self.fill)
        try:
            return await function(*args, **named)
        finally:
            self.leave()

    def use(self, limit: CallLimit) -> None:
        """Limits calls in another way from now on; those that run go on."""
        with self._lock:
            self.limit = limit
            self._holding.until = self._holding.tokens = self._holding.not_before = 0.0

    def leave(self) -> None:
        """Gives the place of a call back."""
        with self._lock:
            self._holding.running -= 1

    def fill(self) -> None:
        """Asks for places and tokens. Blocks unless `instant`. Raises: LimitExceeded: there are none; StorageFailed."""
        with self._asking:
            with self._lock:
                now = self._monotonic()
                short = self._short(now)
                if not short:
                    return  # somebody else asked meanwhile
                if now < self._holding.not_before:
                    raise self._over(short, self._holding.not_before - now)
                wanted = self._holding.running + self._batch()
            self._ask(wanted, now)
            with self._lock:
                short = self._short(self._monotonic())
                if short:
                    if not self.instant:
                        self._holding.not_before = now + _AGAIN_S
                    raise self._over(short, _AGAIN_S)

    def keep(self, wanted_elsewhere: Callable[[], bool]) -> bool:
        """Renews the lease on places where that is due, and gives back those that are unused for a second or that
        another host wants. Blocks. Returns: False when this host holds none. Raises: StorageFailed."""
        if self.limit.concurrent is None or self._ledger.instant:
            return False
        with self._asking:
            with self._lock:
                held, now = self._holding, self._monotonic()
                if not held.places:
                    return False
                spare = held.places > held.running
                idle = spare and now - held.used_at > _IDLE_S
            give = idle or (spare and wanted_elsewhere())
            with self._lock:
                wanted = min(held.places, held.running) if give else held.places
                due = wanted != held.places or held.until - now < LEASE_S / 2
                held.places = wanted
            if due:
                self._place(wanted, now)
            return bool(wanted)

    def close(self) -> None:
        """Gives all places back."""
        with self._asking:
            if self._holding.places and not self._ledger.instant:
                self._place(0, self._monotonic())

    @property
    def running(self) -> int:
        """Calls that run on this host now."""
        return self._holding.running

    @property
    def holds(self) -> bool:
        """True while this host holds places that it shares with others."""
        return bool(self._holding.places) and not self._ledger.instant

    # -- inner parts

    def _batch(self) -> int:
        return max(1, (self.limit.concurrent or 0) // _PART)

    def _short(self, now: float) -> Literal["", "places", "tokens"]:
        """What is missing for a call. The caller holds the lock."""
        held = self._holding
        if self.limit.concurrent is not None and (held.running >= held.places or now >= held.until):
            return "places"
        return "tokens" if self.limit.per_second is not None and held.tokens < 1.0 else ""

    def _ask(self, wanted: int, now: float) -> None:
        held, limit = self._holding, self.limit
        if limit.concurrent is not None and (held.running >= held.places or now >= held.until):
            first = not held.places
            self._place(min(wanted, limit.concurrent), now)
            if first and held.places and not self._ledger.instant:
                self.came()
        if limit.per_second is not None and held.tokens < 1.0:
            tokens = self._ledger.tokens(limit.plugin, limit.per_second)
            with self._lock:
                held.tokens += tokens

    def _place(self, wanted: int, now: float) -> None:
        """Leases places. `now` is before the database was asked, so that this host's lease ends first."""
        held = self._holding
        places = self._ledger.places(self.limit.plugin, wanted, self.limit.concurrent or 0)
        with self._lock:
            held.places = places
            held.until = float("inf") if self._ledger.instant else now + LEASE_S - _SURE_S

    def _over(self, short: str, wait_s: float) -> LimitExceeded:
        name, most, rate = self.limit.plugin, self.limit.concurrent, self.limit.per_second
        allowed: float | None
        if short == "places":
            fact, limit, allowed = f"{most} calls of {name} run already, on all hosts", "plugin_concurrent", most
            remedy = f"try again, or raise it with `omnicore plugins limit {name} --concurrent NUMBER`"
        else:
            fact, limit, allowed = f"{name} is called over {rate:g} times a second", "plugin_per_second", rate
            wait_s = max(wait_s, 1.0 / (rate or 1.0))
            remedy = f"call it less often, or raise it with `omnicore plugins limit {name} --per-second NUMBER`"
        details = {"plugin": name, "limit": limit, "allowed": allowed, "retry_after_s": round(wait_s, 3)}
        error = LimitExceeded(fact, remedy=remedy, **details)
        error.__dict__["_counted"] = True  # the plugin that called this one did not fail
        return error


def _nothing() -> None:
    """Stands in for somebody who keeps leases."""
