"""This host among those of its fleet: its record, what others order it to do, and how it leaves.

A fleet is the hosts that share one PostgreSQL database. Each keeps one row, renews it every few seconds, and looks
twice a second whether somebody has ordered something. On SQLite there is one host: nothing is renewed or looked at,
and a row is written only where somebody orders something.
"""

from __future__ import annotations

import asyncio
import builtins
import hmac
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlencode

from omnicore.connectors.addresses import parse_url
from omnicore.connectors.policy import HttpPolicy
from omnicore.errors import (
    CapacityReached,
    Conflict,
    NotFound,
    OmniError,
    PermissionDenied,
    Unavailable,
)
from omnicore.jobs.loop import Loop
from omnicore.optional import optional
from omnicore.plugins.placement import labels_of, matches
from omnicore.records import replace
from omnicore.sandbox.abi import MIB, HttpRequest
from omnicore.storage.tables.fleet import (
    FleetHost,
    FleetHosts,
    FleetToken,
    HostLoad,
    HostPlugin,
    HostState,
    Orders,
    WantedState,
)
from omnicore.telemetry.logs import HostLines, Level, PluginLogs

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.config.settings import FleetSettings
    from omnicore.connectors.http import HttpClient
    from omnicore.fleet.keys import HostKey, Signatures
    from omnicore.storage.store import Store
    from omnicore.storage.tables.plugins import ObservedRow


_log = logging.getLogger("omnicore.fleet")
_BEAT_S = 3.0
_LOOK_S = 0.4
_SILENCE_S = 15.0
_FORGET_S = 7 * 86_400.0
_SWEEP_BEATS = 1200
_SETTLED_S = 0.01
_ASK_S = 10.0
_ANSWER_BYTES = 4 * MIB
_MOST_LINES = 1000
_TOKEN_S = 900.0
_MOST_TOKENS = 100
_REMOVED = "this host was removed from the fleet"


class Claims(Protocol):
    """Work that hosts claim: stored tasks, runs of workflows."""

    def pause(self) -> None:
        """Claims no more; what is here goes on."""

    def resume(self) -> None:
        """Claims again."""

    async def hand_over(self, within_s: float) -> None:
        """Claims no more; what is here ends within this time, or is given back for others to claim at once."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of this host. Without keys it is known to nobody else: a host on SQLite, or a command."""

    id: str
    version: str
    key: HostKey | None = None
    signatures: Signatures | None = None


@dataclass(frozen=True, slots=True)
class FleetParts:
    """Parts of the host that a fleet asks and steers.

    Args:
        load: what it does now, but for the processor.
        observed: the versions of plugins that it has in service.
        refuse: refuses plugin calls that begin from now on, with an error; None takes them again.
        withdraw: takes no further calls over NATS, which other hosts get; False takes them again.
        handed_over: the settings that a host which joins gets, by dotted name.
        work: whether this process is a host; a command only looks.
    """

    store: Store
    settings: FleetSettings
    clock: Clock
    identity: Identity
    http: HttpClient
    logs: PluginLogs
    load: Callable[[], HostLoad]
    observed: Callable[[], Sequence[ObservedRow]]
    refuse: Callable[[Callable[[], OmniError] | None], None]
    withdraw: Callable[[bool], Coroutine[Any, Any, None]]
    claims: Sequence[Claims]
    handed_over: Mapping[str, Any]
    publish: Callable[[str, Any], object]
    drain_s: float
    work: bool


class Fleet:
    """The hosts of a fleet, seen from one of them.

    ```python
    for one in await host.fleet.list():
        print(one.name, one.state, one.load.calls)
    await host.fleet.drain("host-b")
    ```

    A host is named by its id, or by its name where no other host has that.
    """

    def __init__(self, parts: FleetParts) -> None:
        self._parts, self._table = parts, FleetHosts(parts.store)
        self._shared = parts.store.dialect == "postgresql"
        settings, now = parts.settings, parts.clock.now()
        self.here = FleetHost(
            id=parts.identity.id,
            name=settings.name or socket.gethostname(),
            version=parts.identity.version,
            address=settings.address,
            labels=labels_of(settings.labels),
            started_at=now,
            seen_at=now,
            public_key=parts.identity.key.public if parts.identity.key else "",
        )
        """This host's own record, as of its last beat."""
        self.lines = HostLines(_MOST_LINES)
        self.removed = asyncio.Event()
        """Set once this host was thrown out."""
        self._loops: tuple[Loop, ...] = ()
        self._draining: asyncio.Task[None] | None = None
        self._measured = (time.monotonic(), time.process_time())
        self._beats = 0

    # -- life

    async def start(self) -> None:
        """Enters the fleet and takes the state that it was told to take. Raises: PermissionDenied: it was removed."""
        if not self._parts.work:
            return
        orders: Orders | None
        if self._shared:
            orders = await asyncio.to_thread(self._table.enter, self._now())
            self._loops = (
                Loop("omnicore-fleet-beat", self._beat, self._failed, waits_s=_BEAT_S),
                Loop("omnicore-fleet-orders", self._look, self._failed, waits_s=_LOOK_S),
            )
            for loop in self._loops:
                loop.start()
        else:
            orders = await asyncio.to_thread(self._table.orders, self.here.id)
        if orders is not None:
            self._take(orders.wanted)

    async def stop(self) -> None:
        """Leaves the fleet."""
        if self._draining is not None:
            if self.here.wanted == "drained":
                self._draining.cancel()
            with suppress(asyncio.CancelledError):
                await self._draining
        loops, self._loops = self._loops, ()
        await asyncio.gather(*(loop.stop(_ASK_S) for loop in loops))
        if loops:
            with suppress(OmniError):
                await asyncio.to_thread(self._table.leave, self.here.id)

    def listens(self, url: str) -> None:
        """Notes where this host is reached; an address of the settings wins."""
        reached = not url.startswith(("http://0.0.0.0:", "http://[::]:"))
        if self._parts.settings.address is None and reached:
            self.here = replace(self.here, address=url)
            self._wake()

    async def leave(self) -> None:
        """Begins to drain before the process ends: `/readyz` fails, and other hosts get its tasks and runs.

        Calls are taken until the caller stops its server. So that proxies notice, this returns after 2 s
        where other hosts are; tasks and runs are handed over meanwhile, and `stop` waits for that.
        """
        self._set("draining")
        await self._parts.withdraw(True)
        if self._draining is None:
            self._draining = asyncio.create_task(self._handed_over(self._parts.drain_s), name="omnicore-fleet-leave")
        await self._noticed()

    @property
    def trouble(self) -> str:
        """The reason why this host should get no new calls; empty when it takes them."""
        if self.removed.is_set():
            return _REMOVED
        state = self.here.state
        return f"the host is {state}" if state in ("draining", "drained") else ""

    # -- all hosts

    async def list(self) -> builtins.list[FleetHost]:
        """All hosts, by name."""
        found = await asyncio.to_thread(self._table.all, silence_s=_SILENCE_S)
        if not self._parts.work:
            return found
        rest = [one for one in found if one.id != self.here.id]
        return sorted([self._now(), *rest], key=lambda one: (one.name, one.id))

    async def get(self, host: str) -> FleetHost:
        """One host. Raises: NotFound; Conflict: several have this name."""
        hosts = await self.list()
        found = [one for one in hosts if one.id == host] or [one for one in hosts if one.name == host]
        if not found:
            raise NotFound(f"there is no host {host[:80]!r}", remedy="see `omnicore fleet ls`")
        if len(found) > 1:
            raise Conflict(
                f"{len(found)} hosts have the name {host[:80]}", remedy="name the id, see `omnicore fleet ls`"
            )
        return found[0]

    async def plugins(self, host: str) -> builtins.list[HostPlugin]:
        """The plugins that are to answer calls, as a host has them: loaded or not, and why one lags.

        Raises: NotFound; Conflict.
        """
        one = await self.get(host)
        own = one.id == self.here.id and not self._shared

        def work() -> builtins.list[HostPlugin]:
            return self._table.plugins(self._parts.observed() if own else self._table.observed(one.id))

        found = await asyncio.to_thread(work)
        return [replace(plugin, elsewhere=not matches(plugin.placement, one.labels)) for plugin in found]

    async def cordon(self, host: str) -> FleetHost:
        """Has a host take no new tasks and runs; it answers calls. Raises: NotFound; Conflict."""
        return await self.order(host, "cordoned")

    async def drain(self, host: str) -> FleetHost:
        """Has a host give everything back and refuse calls; it stays up. Raises: NotFound; Conflict."""
        return await self.order(host, "drained")

    async def uncordon(self, host: str) -> FleetHost:
        """Has a host work again, after `cordon` or `drain`. Raises: NotFound; Conflict."""
        return await self.order(host, "ready")

    async def order(self, host: str, wanted: WantedState) -> FleetHost:
        """Tells a host which state to take. Raises: NotFound; Conflict."""
        one = await self.get(host)
        if one.id == self.here.id and not self._shared:
            await asyncio.to_thread(self._table.enter, self._now())
        if not await asyncio.to_thread(self._table.order, one.id, wanted):
            raise NotFound(f"the host {one.name} left the fleet", remedy="see `omnicore fleet ls`")
        if one.id == self.here.id:
            self._take(wanted)
        self._parts.publish("fleet.ordered", {"host": one.id, "name": one.name, "state": wanted})
        return await self.get(one.id)

    async def remove(self, host: str) -> FleetHost:
        """Throws a host out: within a second it takes no call and has no work, and its key never lets it in again.

        Raises: NotFound; Conflict: it is this one.
        """
        one = await self.get(host)
        if one.id == self.here.id:
            raise Conflict("a host cannot throw itself out", remedy="stop it, or ask another host of the fleet")
        await asyncio.to_thread(self._table.remove, one.id)
        self._parts.publish("fleet.removed", {"host": one.id, "name": one.name})
        return one

    async def token(self, *, by: str = "host") -> tuple[str, float]:
        """A token by which one new host may join within 15 minutes, and when it expires; it is shown only now.

        Raises: Conflict: this host is alone on SQLite, or there are many tokens already.
        """
        keys, now = self._joins(), self._parts.clock.now()
        token: str = keys.new_token()
        name, key = keys.token_parts(token)
        row = FleetToken(name, key, by, now + _TOKEN_S)
        if not await asyncio.to_thread(self._table.add_token, row, now, _MOST_TOKENS):
            raise Conflict(f"{_MOST_TOKENS} tokens wait to be used", remedy="wait until some have expired")
        return token, row.expires_at

    async def admit(self, token: str, public_key: str, exchange_key: str, proof: str) -> tuple[str, str]:
        """The exchange key of this side, and what a new host needs, sealed for it. The token is used up.

        Raises: PermissionDenied: the token is unknown, expired or used, or the host was thrown out; InvalidInput.
        """
        keys = self._joins()
        row = await asyncio.to_thread(self._table.token, token, self._parts.clock.now())
        if row is None or not hmac.compare_digest(keys.join_proof(row.key, public_key, exchange_key), proof):
            raise PermissionDenied(
                "the token is unknown, has expired or was used", remedy="make a new one with `omnicore fleet token`"
            )
        if await asyncio.to_thread(self._table.is_removed, public_key):
            raise PermissionDenied(_REMOVED, remedy="delete host.key and host.id in its data folder, then join")
        exchange = keys.JoinExchange()
        sealed = exchange.seal(self._parts.handed_over, exchange_key, row.key)
        if not await asyncio.to_thread(self._table.use_token, token):
            raise PermissionDenied("the token was used meanwhile", remedy="make a new one with `omnicore fleet token`")
        self._parts.publish("fleet.joined", {"public_key": public_key, "by": row.made_by})
        return exchange.public, sealed

    def _joins(self) -> Any:
        if not self._shared:
            raise Conflict(
                "this host is alone: its database is SQLite", remedy="set storage.url to a PostgreSQL database first"
            )
        return optional("omnicore.fleet.keys")  # only now: cryptography takes time to import

    async def logs(
        self, host: str, plugin: str | None = None, *, limit: int = 100, level: Level = "trace"
    ) -> Sequence[dict[str, Any]]:
        """The last log lines of a host, its own or those of a plugin, oldest first.

        Another host is asked over its address: lines are kept in the memory of the host that wrote them, and writing
        each to the database would cost a transaction for every line that nobody reads.

        Raises: NotFound; Conflict; Unavailable: it does not answer, or has no address that others reach.
        """
        one = await self.get(host)
        limit = max(1, min(limit, _MOST_LINES))
        if one.id == self.here.id:
            found = self.lines.tail(limit, level) if plugin is None else self._parts.logs.tail(plugin, limit, level)
            return [asdict(line) for line in found]
        query = urlencode({"limit": limit, "level": level, **({} if plugin is None else {"plugin": plugin})})
        answer = await self._ask(one, f"/api/v1/fleet/{quote(one.id)}/logs?{query}")
        items: Sequence[dict[str, Any]] = answer["items"]
        return items

    async def sender(self, method: str, target: str, given: str) -> FleetHost | None:
        """The host of the fleet that signed a request to this one; None if none did."""
        signatures = self._parts.identity.signatures
        if signatures is None or self.removed.is_set():
            return None
        found = await asyncio.to_thread(signatures.sender, method, target, given)
        return None if found is None else await self.get(found)

    # -- inner parts

    async def _ask(self, one: FleetHost, target: str) -> Any:
        """The answer of another host to a request that this one signs. Raises: Unavailable."""
        key = self._parts.identity.key
        if one.address is None or key is None:
            raise Unavailable(
                f"{one.name} tells no address at which hosts reach it", remedy="set fleet.address on that host"
            )
        url = parse_url(one.address.rstrip("/") + target)
        signed = key.signed("GET", target, to=one.id, now=self._parts.clock.now())
        request = HttpRequest("GET", str(url), {"authorization": signed}, b"", _ASK_S, _ANSWER_BYTES)
        policy = HttpPolicy(hosts=(f"{url.host}:{url.port}",), methods=("GET",), private="allow", follow=False)
        try:
            answer = await self._parts.http.send(request, policy)
            found = json.loads(answer.body)
        except (OmniError, ValueError) as error:
            raise Unavailable(f"{one.name} does not answer: {error}", remedy="see `omnicore fleet ls`") from error
        if answer.status != 200:
            fact = str(found.get("detail", ""))[:500] if isinstance(found, dict) else ""
            raise Unavailable(f"{one.name} answers {answer.status}: {fact}", remedy="see the log of that host")
        return found

    def _now(self) -> FleetHost:
        wall, cpu = time.monotonic(), time.process_time()
        before_wall, before_cpu = self._measured
        cores = self.here.load.cpu
        if wall - before_wall >= 1.0:
            self._measured = (wall, cpu)
            cores = round((cpu - before_cpu) / (wall - before_wall), 3)
        load = replace(self._parts.load(), cpu=cores, memory_bytes=_resident())
        self.here = replace(self.here, load=load, seen_at=self._parts.clock.now())
        return self.here

    async def _beat(self) -> float:
        self._beats += 1
        if not await asyncio.to_thread(self._table.beat, self._now()) and not self.removed.is_set():
            orders = await asyncio.to_thread(self._table.orders, self.here.id)
            if orders is not None and orders.removed:
                await self._out()
            else:
                await asyncio.to_thread(self._table.enter, self._now())
        if self._beats % _SWEEP_BEATS == 0:
            await asyncio.to_thread(self._table.sweep, _FORGET_S)
        return _BEAT_S

    async def _look(self) -> float:
        orders = await asyncio.to_thread(self._table.orders, self.here.id)
        if orders is not None and orders.removed:
            await self._out()
        elif orders is not None:
            self._take(orders.wanted)
        return _LOOK_S

    def _failed(self, error: Exception) -> float:
        _log.warning("the fleet's table cannot be read or written now: %s", error)
        return _BEAT_S

    def _take(self, wanted: WantedState) -> None:
        """Brings this host to a state."""
        if wanted == self.here.wanted or self.removed.is_set():
            return
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None
        self.here = replace(self.here, wanted=wanted)
        if wanted == "drained":
            self._draining = asyncio.create_task(self._drain(), name="omnicore-fleet-drain")
            return
        self._parts.refuse(None)
        for one in self._parts.claims:
            one.pause() if wanted == "cordoned" else one.resume()
        if self.here.state in ("draining", "drained"):
            self._draining = asyncio.create_task(self._parts.withdraw(False), name="omnicore-fleet-return")
        self._set(wanted)

    async def _drain(self) -> None:
        """Gives back what this host has, and refuses calls after those that run."""
        self._set("draining")
        await self._parts.withdraw(True)
        for one in self._parts.claims:
            one.pause()
        await self._noticed()
        drain_s = self._parts.drain_s
        await asyncio.gather(self._handed_over(drain_s), self._calls_over(drain_s))
        self._parts.refuse(_refusal("this host is drained", "call another host, or run `omnicore fleet uncordon`"))
        self._set("drained")

    async def _handed_over(self, within_s: float) -> None:
        await asyncio.gather(*(one.hand_over(within_s) for one in self._parts.claims))

    async def _noticed(self) -> None:
        """Waits until proxies have noticed that `/readyz` fails, where there is another host to go to."""
        if not self._shared or self._parts.settings.notice_s <= 0:
            return
        with suppress(OmniError):
            hosts = await asyncio.to_thread(self._table.all, silence_s=_SILENCE_S)
            if any(one.id != self.here.id and one.state == "ready" for one in hosts):
                await asyncio.sleep(self._parts.settings.notice_s)

    async def _calls_over(self, within_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                # Calls end on many threads without a signal, hence looking instead of an event.
                while self._parts.load().calls:  # noqa: ASYNC110
                    await asyncio.sleep(_SETTLED_S)

    async def _out(self) -> None:
        """Ends what this host does, because it was thrown out."""
        if self.removed.is_set():
            return
        _log.error("%s; it takes no calls any more", _REMOVED)
        self.removed.set()
        with suppress(OmniError):
            await self._parts.withdraw(True)
        if self._draining is not None:
            self._draining.cancel()
        self._parts.refuse(_refusal(_REMOVED, "call another host"))
        await self._handed_over(0)

    def _set(self, state: HostState) -> None:
        if self.here.state != state:
            self.here = replace(self.here, state=state)
            self._parts.publish("fleet.changed", {"host": self.here.id, "name": self.here.name, "state": state})
            self._wake()

    def _wake(self) -> None:
        """Shows what has changed to the others at once."""
        for loop in self._loops[:1]:
            loop.wake()


def _refusal(fact: str, remedy: str) -> Callable[[], OmniError]:
    return lambda: CapacityReached(fact, remedy=remedy, retry_after_s=1)


def _resident() -> int:
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
