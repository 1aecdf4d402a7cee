"""One open connector: its client, rates, places, breaker, retries and redaction around each call.

All of it runs on one event loop; time is an argument.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omnicore.connectors.kind import (
    Action,
    CallLimits,
    Kind,
    ServiceClient,
    asked_pause_s,
    counts_against,
    may_repeat,
    temporary,
)
from omnicore.connectors.redaction import Redactor
from omnicore.errors import (
    CapacityReached,
    DeadlineExceeded,
    EngineFailed,
    LimitExceeded,
    OmniError,
    ServiceRefused,
    ToolMissing,
    Unavailable,
)
from omnicore.ids import new_id
from omnicore.resilience.breaker import Breaker
from omnicore.resilience.retry import Retry, RetryPolicy
from omnicore.storage.change_watch import ChangeWatch
from omnicore.storage.tables.connectors import BudgetOrder, SharedLimits
from omnicore.texts import is_whole, made_whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from omnicore.clock import Clock
    from omnicore.resilience.breaker import BreakerState
    from omnicore.storage.store import Store


_log = logging.getLogger("omnicore.connectors")
_LEASED_S = 0.1
_MOST_HELD = 1024


@dataclass(slots=True)
class Bucket:
    """A token bucket. Units: `rate` tokens a second; `burst` tokens it holds at most."""

    rate: float
    burst: float
    at: float
    tokens: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = self.burst

    def take(self, now: float) -> float:
        """Takes a token and returns 0.0, or takes none and returns the seconds until there is one."""
        self.tokens = min(self.burst, self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.tokens >= 1.0:
            self.tokens -= 1.0
            return 0.0
        return (1.0 - self.tokens) / self.rate


class Buckets:
    """A bucket for each name. Those longest unused go when there are too many; a full one is like a new one."""

    def __init__(self, rate: float, burst: float, *, most: int = 1024) -> None:
        self._rate, self._burst, self._most = rate, burst, most
        self._of: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, name: str, now: float, *, what: str, limit: str, remedy: str = "call it less often") -> None:
        """Takes a token of this name. Raises: LimitExceeded, with `retry_after_s`."""
        bucket = self._of.pop(name, None) or Bucket(self._rate, self._burst, now)
        self._of[name] = bucket
        while len(self._of) > self._most:
            self._of.popitem(last=False)
        wait = bucket.take(now)
        if wait > 0:
            raise LimitExceeded(
                f"{what} is used more than {self._rate:g} times a second",
                remedy=remedy,
                limit=limit,
                allowed=self._rate,
                retry_after_s=round(wait, 3),
            )


class OwnRates:
    """The rates of a connector on one host."""

    def __init__(self, name: str, limits: CallLimits) -> None:
        self._name = name
        self._all = Buckets(limits.rate, max(1.0, limits.rate))
        self._by_who = Buckets(limits.plugin_rate, max(1.0, limits.plugin_rate))

    async def take(self, who: str, now: float) -> None:
        """Counts a call. Raises: LimitExceeded."""
        self._by_who.take(who, now, what=f"{self._name} by {who}", limit="connector_plugin_rate")
        self._all.take("", now, what=self._name, limit="connector_rate")


@dataclass(slots=True)
class _Held:
    """Tokens that this host has leased, and a time before which more are not asked for."""

    tokens: float = 0.0
    not_before: float = 0.0


class SharedRates:
    """The rates of a connector on all hosts of a database.

    A host leases calls of a tenth of a second at once from the buckets in the database, one at least, and asks again
    when they are used up; after a bucket was found empty not before a tenth of a second later. So all hosts together
    make at most as many calls more than the rate allows as they hold, which is a tenth of the rate for each host, or
    one call. What a killed host holds is lost; the bucket fills again.
    """

    def __init__(self, name: str, limits: CallLimits, budgets: SharedLimits) -> None:
        self._name, self._limits, self._budgets = name, limits, budgets
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._asking = asyncio.Lock()

    async def take(self, who: str, now: float) -> None:
        """Counts a call. Raises: LimitExceeded, StorageFailed."""
        wanted = ((who, self._limits.plugin_rate), ("", self._limits.rate))
        if any(self._of(key).tokens < 1.0 for key, _ in wanted):
            async with self._asking:
                orders = [
                    BudgetOrder(f"{self._name}|{key}", rate, max(1.0, rate), max(1.0, rate * _LEASED_S))
                    for key, rate in wanted
                    if self._of(key).tokens < 1.0 and self._of(key).not_before <= now
                ]
                found = await asyncio.to_thread(self._budgets.lease, orders) if orders else []
                for order, tokens in zip(orders, found, strict=True):
                    held = self._of(order.name.partition("|")[2])
                    held.tokens += tokens
                    held.not_before = now + (0.0 if tokens >= int(order.wanted) else _LEASED_S)
        for key, rate in wanted:
            held = self._of(key)
            if held.tokens < 1.0:
                raise _too_often(self._name, key, rate, wait=max(1.0 / rate, held.not_before - now))
        for key, _ in wanted:
            self._of(key).tokens -= 1.0

    def _of(self, key: str) -> _Held:
        held = self._held.pop(key, None) or _Held()
        self._held[key] = held
        while len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)
        return held


def _too_often(name: str, who: str, rate: float, *, wait: float) -> LimitExceeded:
    return LimitExceeded(
        f"{f'{name} by {who}' if who else name} is used more than {rate:g} times a second on all hosts",
        remedy="call it less often",
        limit="connector_plugin_rate" if who else "connector_rate",
        allowed=rate,
        retry_after_s=round(wait, 3),
    )


class Gate:
    """Lets so many through at once; others wait in a line of bounded length."""

    def __init__(self, most: int, waiting: int) -> None:
        self._room = asyncio.Semaphore(most)
        self._waiting = waiting
        self._line = 0

    @asynccontextmanager
    async def passed(self, what: str) -> AsyncIterator[None]:
        """While the block runs, one place is taken. Raises: CapacityReached: the line is full."""
        if self._room.locked() and self._line >= self._waiting:
            raise CapacityReached(f"{self._line} calls wait for {what} already", remedy="try again later")
        self._line += 1
        try:
            await self._room.acquire()
        finally:
            self._line -= 1
        try:
            yield
        finally:
            self._room.release()


_CLOSE_S = 5.0
_FRESH_S = 1.0  # so long a call that went well says more than another host's verdict


@dataclass(slots=True)
class Figures:
    """Counts of a connector since the host started. Units: `took_s` seconds of all calls together."""

    calls: int = 0
    attempts: int = 0
    running: int = 0
    took_s: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)
    last_error: str = ""
    last_error_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As REST and the command line show it."""
        return {
            "calls": self.calls,
            "attempts": self.attempts,
            "running": self.running,
            "took_s": round(self.took_s, 6),
            "failures": dict(self.failures),
            "last_error": self.last_error,
            "last_error_at": self.last_error_at,
        }


class _Clients:
    """The open client of a connector, and retired ones that calls may still use."""

    def __init__(self, opens: Callable[[], Awaitable[ServiceClient]]) -> None:
        self._opens, self._opening = opens, asyncio.Lock()
        self._client: ServiceClient | None = None
        self._retired: list[ServiceClient] = []

    async def opened(self) -> ServiceClient:
        """The client, opened if need be."""
        if self._client is None:
            async with self._opening:
                if self._client is None:
                    self._client = await self._opens()
        return self._client

    def retire(self) -> None:
        """Lets the next call open a new client."""
        if self._client is not None:
            self._retired.append(self._client)
            self._client = None

    async def close_retired(self) -> None:
        """Closes the retired clients."""
        clients, self._retired = self._retired, []
        for client in clients:
            with suppress(Exception):  # a connection that cannot be closed cleanly is dropped
                async with asyncio.timeout(_CLOSE_S):
                    await client.close()


class Line:
    """A connector in one of its versions. All of it runs on the service's loop.

    Args:
        opens: makes the client with the credentials of this moment.
        redactor: hides these credentials; they are told to it before the client is made.
        others: the hosts with which it shares rates and verdicts.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        limits: CallLimits,
        *,
        opens: Callable[[Redactor], Awaitable[ServiceClient]],
        clock: Clock,
        figures: Figures,
        others: OtherHosts | None = None,
    ) -> None:
        self.name, self.kind, self.limits, self.figures = name, kind, limits, figures
        self.redactor = Redactor()
        self.breaker = Breaker(
            limits.breaker_failures,
            limits.breaker_reset_s,
            clock,
            lease_s=limits.timeout_s,
            changed=None if others is None else lambda _, new: others.judge(name, new),
        )
        self._clients = _Clients(lambda: opens(self.redactor))
        self._clock = clock
        self._gate = Gate(limits.concurrency, limits.waiting)
        self._rates = OwnRates(name, limits) if others is None else SharedRates(name, limits, others.limits)
        self._well_at = -_FRESH_S
        self._quiet_until = 0.0
        self._users = 0
        self._left = False
        if others is not None and others.judged(name):
            self.breaker.doubt()

    async def admit(self, who: str) -> None:
        """Counts a call against the rates. Raises: LimitExceeded; StorageFailed, where hosts share them."""
        await self._rates.take(who, self._clock.monotonic())

    def doubt(self) -> None:
        """Another host's verdict changed: the next call here is a trial, unless one just went well.

        So a host that alone cannot reach a service stops no other from using it.
        """
        if self._clock.monotonic() - self._well_at > _FRESH_S:
            self.breaker.doubt()

    async def call(self, action: Action, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """The result of an action, without secrets. Raises: what `ServiceClient.call` raises, without secrets."""
        harmless = action.repeat == "always" or (action.repeat == "keyed" and bool(given.get("idempotency_key")))
        until = self._clock.monotonic() + timeout_s
        policy = RetryPolicy(retries=self.limits.retries, deadline_s=timeout_s)
        retry = Retry(policy, when=lambda error: may_repeat(error, harmless=harmless), clock=self._clock)

        async def once() -> Any:
            self.figures.attempts += 1
            return await self._guarded(lambda client, left: client.call(action.name, given, timeout_s=left), until)

        async def through() -> Any:
            async with self._gate.passed(self.name):
                return self._checked(await retry.run(once))

        return await self._cleanly(through)

    async def probe(self, timeout_s: float) -> None:
        """Returns when the other side answers. Raises: as `call` does."""
        until = self._clock.monotonic() + timeout_s
        await self._cleanly(lambda: self._guarded(lambda client, _left: client.probe(), until))

    async def leave(self) -> None:
        """Closes the client once no call uses it."""
        self._left = True
        await self._leave_if_due()

    async def close(self) -> None:
        """Closes the client now."""
        self._clients.retire()
        await self._clients.close_retired()

    async def _cleanly(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Runs `work`. Its failure is raised outside of the block: no context leads back to the one with secrets."""
        self._users += 1
        try:
            return await work()
        except OmniError as error:
            failure = self._clean(error)
        finally:
            self._users -= 1
            await self._leave_if_due()
        raise failure

    async def _leave_if_due(self) -> None:
        if self._users == 0:
            await (self.close() if self._left else self._clients.close_retired())

    async def _guarded(self, work: Callable[[ServiceClient, float], Awaitable[Any]], until: float) -> Any:
        """Runs `work` under the breaker and the deadline, unless the other side asked for a pause."""
        wait = self._quiet_until - self._clock.monotonic()
        if wait > 0:
            raise temporary(f"{self.name} asked to be left alone", acted=False, retry_after_s=round(wait, 3))
        if self.breaker.state == "open" and (wait := self.breaker.retry_after_s) > 0:
            raise Unavailable(
                f"{self.name} failed {self.limits.breaker_failures} times in a row and is left alone",
                remedy=f"see `omnicore connectors test {self.name}`, or try again later",
                retry_after_s=round(wait, 3),
            )
        try:
            found = await self.breaker.call_async(self._timed, work, until, counts=counts_against)
            self._well_at = self._clock.monotonic()
            return found
        except OmniError as error:
            self._learn(error)
            raise

    async def _timed(self, work: Callable[[ServiceClient, float], Awaitable[Any]], until: float) -> Any:
        left = max(0.001, until - self._clock.monotonic())
        try:
            async with asyncio.timeout(left):
                return await work(await self._clients.opened(), left)
        except TimeoutError:
            allowed = self.limits.timeout_s
            raise DeadlineExceeded(
                f"{self.name} did not answer in time", remedy="try again later", limit="timeout_s", allowed=allowed
            ) from None
        except ToolMissing as error:  # the operator's to install; a plugin is told that it does not work now
            raise Unavailable(error.fact, remedy=error.remedy) from error
        except OmniError:
            raise
        except Exception as error:  # a driver's own: what it is stays readable, its text may hold anything
            raise temporary(f"{self.name} failed: {type(error).__name__}: {error}"[:400]) from error

    def _learn(self, error: OmniError) -> None:
        """A pause that was asked for is kept; after a refused credential the next call reads it anew."""
        pause = asked_pause_s(error)
        if pause:
            self._quiet_until = max(self._quiet_until, self._clock.monotonic() + pause)
        if isinstance(error, ServiceRefused) and error.details.get("status") == 401:
            self._clients.retire()

    def _checked(self, output: Any) -> Any:
        try:
            text = json.dumps(output, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise EngineFailed(f"{self.name} gave something that is no JSON value: {type(error).__name__}") from None
        if len(text) > self.limits.output_bytes:
            raise LimitExceeded(
                f"{self.name} returned {len(text)} bytes, {self.limits.output_bytes} are allowed",
                remedy="ask for less, or raise the connector's limit output_bytes",
                limit="connector_output_bytes",
                allowed=self.limits.output_bytes,
            )
        if "\\ud" in text and not is_whole(output):  # nobody could be sent it
            output = made_whole(output)
        return self.redactor.value(output) if self.kind.echoes and self.redactor.holds(text) else output

    def _clean(self, error: OmniError) -> OmniError:
        details = {name: self.redactor.value(value) for name, value in error.details.items()}
        if isinstance(error, Unavailable):
            details.setdefault("connector", self.name)
        return type(error)(self.redactor.text(error.fact), remedy=self.redactor.text(error.remedy), **details)


class OtherHosts:
    """The hosts on a database: rates in common, and what the breakers of each found.

    A verdict of another host makes the next call here a trial; so it stops nobody who can reach the service.

    Args:
        call_soon: calls something on the loop of the connectors.
        line: an open connector.
    """

    def __init__(
        self, store: Store, call_soon: Callable[..., None], line: Callable[[str], Line | None], *, pause_s: float = 0.4
    ) -> None:
        self.limits = SharedLimits(store)
        self._host = new_id("host")
        self._call_soon, self._line = call_soon, line
        self._verdicts: set[tuple[str, str]] = set()
        self._opened: set[str] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self._watch = ChangeWatch("connectors", store, self.look, pause_s=pause_s)

    async def start(self) -> None:
        """Begins to hear the others."""
        await self._watch.start()

    async def stop(self) -> None:
        """Ends it, and takes back the verdicts of this host."""
        await self._watch.stop()
        for name in tuple(self._opened):
            await self._tell(name, opened=False)

    def judged(self, name: str) -> bool:
        """True if another host leaves the connector alone."""
        return any(connector == name for connector, _ in self._verdicts)

    def judge(self, name: str, state: BreakerState) -> None:
        """Tells the others that a breaker of this host opened, or closed again."""
        if state == "half-open" or (state == "closed" and name not in self._opened):
            return
        (self._opened.add if state == "open" else self._opened.discard)(name)
        task = asyncio.get_running_loop().create_task(self._tell(name, opened=state == "open"))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def look(self) -> None:
        """Takes up verdicts that are new, or taken back; blocks. Raises: StorageFailed."""
        now, before = {one for one in self.limits.verdicts() if one[1] != self._host}, self._verdicts
        self._verdicts = now
        if now != before:
            self._call_soon(self._take_up, *({name for name, _ in one} for one in (now - before, before - now)))

    def _take_up(self, judged: set[str], recovered: set[str]) -> None:
        for name in judged | recovered:
            line = self._line(name)
            if line is not None and line.breaker.state == "closed" and name in judged:
                line.doubt()
            elif line is not None and line.breaker.state == "open" and name in recovered:
                line.breaker.doubt()

    async def _tell(self, name: str, *, opened: bool) -> None:
        try:
            await asyncio.to_thread(self.limits.keep_verdict, name, self._host, opened=opened)
        except OmniError as error:
            _log.warning("the state of %s was not told to other hosts: %s", name, error)
