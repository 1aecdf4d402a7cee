"""`PluginLimits`: how many calls of a plugin may run at once and begin in a second, on all hosts of a database."""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Annotated

from omnicore.errors import InvalidInput, OmniError
from omnicore.plugins.gate import LimitGate, OwnLedger, SharedLedger
from omnicore.records import Meta, Record
from omnicore.storage.change_watch import ChangeWatch
from omnicore.storage.tables.connectors import SharedLimits
from omnicore.storage.tables.limits import CallLimit, LimitsTable

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.plugins.host import PluginHost
    from omnicore.storage.store import Store


_LOOK_S = 0.25
_PAUSE_S = 0.4
_STOP_S = 5.0
_MOST_CONCURRENT = 1_000_000
_MOST_PER_SECOND = 1_000_000.0

_log = logging.getLogger("omnicore.plugins")


class CallLimitOrder(Record, frozen=True):
    """Limits on the calls of a plugin. What is null or left out is not limited."""

    concurrent: Annotated[int | None, Meta(description="Calls that may run at once on all hosts.")] = None
    per_second: Annotated[float | None, Meta(description="Calls that may begin in a second on all hosts.")] = None


class CallLimitView(Record, frozen=True):
    """The limits on the calls of a plugin, and what hosts hold of them."""

    concurrent: Annotated[int | None, Meta(description="Calls that may run at once; null for any number.")]
    per_second: Annotated[float | None, Meta(description="Calls that may begin in a second; null for any number.")]
    held: Annotated[int, Meta(description="Places that hosts hold now, for calls that run or may begin.")]
    who: Annotated[str | None, Meta(description="Who set them; null where nothing is limited.")]
    at: Annotated[float | None, Meta(description="When; seconds since the Unix epoch.")]


class PluginLimits:
    """Limits of plugins on the hosts of one database. Usable from any thread.

    Calls of a plugin without limits know nothing of this. One with limits takes places and tokens that this host has
    leased; the database is asked when they are used up.

    Args:
        host: the name by which this host holds places; empty where it has its database for itself.
    Owns: a thread, while this host holds places that it shares with others.
    """

    def __init__(self, plugins: PluginHost, store: Store, clock: Clock, *, host: str) -> None:
        self._plugins, self._clock, self._host = plugins, clock, host
        self._table = LimitsTable(store)
        self._ledger = SharedLedger(self._table, SharedLimits(store), host) if host else OwnLedger(clock.monotonic)
        self._watch = ChangeWatch("plugin-limits", store, self.look, pause_s=_PAUSE_S) if host else None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._keeper: threading.Thread | None = None
        self.look()

    async def start(self) -> None:
        """Begins to hear what other hosts decide."""
        if self._watch is not None:
            await self._watch.start()

    async def stop(self) -> None:
        """Gives the places of this host back."""
        if self._watch is not None:
            await self._watch.stop()
        self._ended.set()
        keeper = self._keeper
        if keeper is not None:
            await asyncio.to_thread(keeper.join, _STOP_S)
        await asyncio.to_thread(self._close)

    def of(self, name: str) -> CallLimitView:
        """The limits of a plugin. Raises: NotFound."""
        self._plugins.get(name)
        limit = self._table.all().get(name)
        if limit is None:
            return CallLimitView(None, None, 0, None, None)
        gate = self._plugins.routes.gates.get(name)
        held = self._table.held(name) if self._host else gate.running if gate is not None else 0
        return CallLimitView(limit.concurrent, limit.per_second, held, limit.who, limit.at)

    def set(self, name: str, order: CallLimitOrder, *, who: str) -> CallLimitView:
        """Limits the calls of a plugin in the place of what limited them; it holds at all hosts within a second.

        Calls that run go on. Raises: NotFound: no such plugin. InvalidInput: these are no limits, with its path.
        """
        self._plugins.get(name)
        _check(order)
        self._table.put(CallLimit(name, order.concurrent, order.per_second, who, self._clock.now()))
        self.look()
        return self.of(name)

    def forget(self, name: str) -> None:
        """Deletes the limits of a plugin that is removed."""
        self._table.remove(name)
        self.look()

    def look(self) -> None:
        """Takes up the limits as they are decided now. Raises: StorageFailed."""
        with self._lock:
            gates, found = self._plugins.routes.gates, self._table.all()
            for name in [name for name in gates if name not in found]:
                gates.pop(name)
                self._plugins.routes.renew(name)
            for name, limit in found.items():
                gate = gates.get(name)
                if gate is None:
                    gate = gates[name] = LimitGate(limit, self._ledger, self._clock.monotonic)
                    gate.came = self._wake
                    self._plugins.routes.renew(name)
                elif gate.limit != limit:
                    gate.use(limit)

    # -- inner parts

    def _wake(self) -> None:
        """Has a thread keep the leases of places while this host holds any."""
        with self._lock:
            if self._keeper is None and not self._ended.is_set():
                self._keeper = threading.Thread(target=self._keep, name="omnicore-plugin-limits", daemon=True)
                self._keeper.start()

    def _keep(self) -> None:
        while not self._ended.wait(_LOOK_S):
            holds = True
            try:
                holds = self._kept()
            except (OmniError, OSError) as error:
                _log.warning("places for limited plugins cannot be kept now: %s", error)
            except Exception:
                _log.exception("places for limited plugins cannot be kept")
            with self._lock:
                if not holds and not self._kept_by_any():
                    self._keeper = None
                    return

    def _kept(self) -> bool:
        wanting: set[str] | None = None

        def wanted(name: str) -> bool:
            nonlocal wanting
            if wanting is None:  # asked once a round, and only while something is to spare
                wanting = self._table.wanting(self._host)
            return name in wanting

        kept = [gate.keep(partial(wanted, name)) for name, gate in tuple(self._plugins.routes.gates.items())]
        return any(kept)

    def _kept_by_any(self) -> bool:
        return any(gate.holds for gate in tuple(self._plugins.routes.gates.values()))

    def _close(self) -> None:
        for gate in tuple(self._plugins.routes.gates.values()):
            try:
                gate.close()
            except OmniError as error:  # they are free when their lease ends
                _log.warning("places of %s were not given back: %s", gate.limit.plugin, error)


def _check(order: CallLimitOrder) -> None:
    if order.concurrent is not None and not 1 <= order.concurrent <= _MOST_CONCURRENT:
        raise InvalidInput(
            "so many calls cannot be allowed at once",
            remedy=f"give 1 to {_MOST_CONCURRENT}, or null",
            path="concurrent",
        )
    if order.per_second is not None and not 0.001 <= order.per_second <= _MOST_PER_SECOND:
        raise InvalidInput(
            "so many calls a second cannot be allowed",
            remedy=f"give 0.001 to {_MOST_PER_SECOND:.0f}, or null",
            path="per_second",
        )
