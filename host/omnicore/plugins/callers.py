"""Callers of plugins: which of them a plugin fails for, and how many calls of theirs may run.

A name goes along with every call, so that failures are counted where they come from. Limits on calls hold for all hosts
of a database together: a host leases places and tokens in batches, a transaction each, and a call takes one of them in
1.5 us, without the database.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, ParamSpec, Protocol, TypeVar

from omnicore.access.principal import Principal, Role
from omnicore.errors import (
    DeadlineExceeded,
    EngineFailed,
    GuestError,
    GuestTrapped,
    InvalidInput,
    LimitExceeded,
    OmniError,
)
from omnicore.plugins.view import CallStatus, percentile_ms
from omnicore.records import Meta, Record
from omnicore.resilience.breaker import Breaker
from omnicore.storage.change_watch import ChangeWatch
from omnicore.storage.tables.connectors import BudgetOrder, CallLimit, LimitsTable, SharedLimits
from omnicore.telemetry.metrics import CallRecorder

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.storage.store import Store


_P = ParamSpec("_P")
_T = TypeVar("_T")
_log = logging.getLogger("omnicore.plugins")

APPLICATION = "application"
"""Caller without a name: the program that embeds the host."""

OWNER = "owner"
"""Whoever the host belongs to, by its own key or by being the only one on this machine."""

_OURS = frozenset({APPLICATION, OWNER})
_caller: ContextVar[str] = ContextVar("omnicore_caller", default=APPLICATION)


def caller() -> str:
    """The name of the caller of the running call."""
    return _caller.get()


class Callers:
    """Those who call the plugins of one host. Usable from any thread."""

    def __init__(self) -> None:
        self._others = False

    def named(self, name: str) -> _Named:
        """A block whose calls are made by `name`, such as `user 7`, `plugin text` or `workflow pay`."""
        if not self._others and name not in _OURS:
            self._others = True
        return _Named(name)

    def of(self, principal: Principal | None) -> _Named:
        """The same for who was recognised: a user whatever with, a token that is nobody's, the owner, or a stranger."""
        if principal is None:
            return self.named("stranger")
        owner = principal.user is None and principal.via != "token" and principal.role is Role.admin
        return self.named(OWNER if owner else principal.person)

    def alone(self, name: str) -> bool:
        """True when this is the owner, or the owner's program, and nobody else has called so far."""
        return name in _OURS and not self._others


class _Named:
    """A class and no generator: it costs each request half a microsecond instead of two."""

    __slots__ = ("_before", "_name")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._before: Token[str] = _caller.set(self._name)

    def __exit__(self, *_: object) -> None:
        _caller.reset(self._before)


Verdict = Literal["plugin", "caller", "none"]

SEVERAL = 3
"""Callers whose failures in a row say something about the plugin."""

_ENOUGH = 4  # times the failures in a row that open a breaker: calls from which a share is worth something
_SHARE = 0.5
_WINDOW = 200
_MOST_CALLERS = 256


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """One call that was looked at: whose, and whether it went well. Units: `at` seconds of the clock."""

    caller: str
    well: bool
    at: float


def counts(error: GuestError, limit_s: float, timeout_s: float | None) -> bool:
    """True when a failure counts towards quarantine; a caller's own short deadline must not.

    Args:
        limit_s: the plugin's own limit of time.
        timeout_s: the caller's, None where it set none.
    """
    return isinstance(error, GuestTrapped | LimitExceeded) and at_fault(error, limit_s, timeout_s)


def at_fault(error: BaseException, limit_s: float, timeout_s: float | None) -> bool:
    """True when a call failed because of the plugin or its sandbox: a trap, a limit, a failure that it reports, an
    output that is not what it promises, a broken engine. False for what its caller spoiled (`CallerError`, a
    cancelled call, a deadline shorter than the plugin's own), and for other failures of the host.

    Args: as `counts`.
    """
    if isinstance(error, DeadlineExceeded) and timeout_s is not None:
        return timeout_s >= limit_s
    return isinstance(error, GuestError | EngineFailed)


def verdict(outcomes: Sequence[CallOutcome], *, threshold: int, alone: bool) -> Verdict:
    """The party to blame after the last outcome, a failure.

    The plugin, when `threshold` calls in a row failed that came from `SEVERAL` callers, or from the only one there is;
    or when half of many calls failed, those of two callers at least among them, where each caller counts `threshold`
    failures at most. The caller, when its own last `threshold` calls failed.

    Args:
        outcomes: oldest first.
        alone: whether nobody but the owner calls.
    """
    run: list[str] = []
    for one in reversed(outcomes):
        if one.well:
            break
        run.append(one.caller)
    if len(run) >= threshold and (alone or len(set(run)) >= SEVERAL):
        return "plugin"
    if _share_is_high(outcomes, threshold):
        return "plugin"
    own = [one.well for one in outcomes if one.caller == outcomes[-1].caller][-threshold:]
    return "caller" if len(own) == threshold and not any(own) else "none"


def _share_is_high(outcomes: Sequence[CallOutcome], threshold: int) -> bool:
    failed: dict[str, int] = {}
    well = 0
    for one in outcomes:
        if one.well:
            well += 1
        else:
            failed[one.caller] = min(threshold, failed.get(one.caller, 0) + 1)
    failures = sum(failed.values())
    count = well + failures
    return len(failed) > 1 and count >= _ENOUGH * threshold and failures >= _SHARE * count


class Blame:
    """The last outcomes of a plugin that is unwell, and the callers it refuses. Usable from any thread.

    A caller whose calls fail too often in a row is refused for `reset_s`, then tried again; the others are served.

    Owns: at most 200 outcomes of the last `reset_s`, and 256 callers; the least recent ones go first.
    """

    def __init__(self, threshold: int, reset_s: float, clock: Clock) -> None:
        self._threshold, self._reset_s, self._clock = threshold, reset_s, clock
        self._outcomes: deque[CallOutcome] = deque(maxlen=max(_WINDOW, 2 * _ENOUGH * threshold))
        self._refused: OrderedDict[str, Breaker] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, caller: str) -> float:
        """Seconds until this caller is served again; 0.0 when its call may pass, which then reports its outcome."""
        with self._lock:
            breaker = self._refused.get(caller)
        if breaker is None or breaker.allow():
            return 0.0
        return max(0.001, breaker.retry_after_s)

    def refuses(self, caller: str) -> bool:
        """True when this caller's failures count against the caller alone."""
        return caller in self._refused

    def failed(self, caller: str, *, alone: bool) -> Verdict:
        """Notes a failure and returns the party to blame for it."""
        with self._lock:
            self._note(caller, well=False)
            found = verdict(self._outcomes, threshold=self._threshold, alone=alone)
            breaker = self._refused.get(caller)
            if breaker is not None:
                breaker.failure()
            elif found == "caller":
                breaker = self._refused[caller] = Breaker(1, self._reset_s, self._clock)
                breaker.failure()
                if len(self._refused) > _MOST_CALLERS:
                    self._refused.popitem(last=False)
            return found

    def answered(self, caller: str) -> bool:
        """Notes an answer. True when there is nothing left to look at."""
        with self._lock:
            self._note(caller, well=True)
            self._refused.pop(caller, None)
            if self._refused or not all(one.well for one in self._outcomes):
                return False
            self._outcomes.clear()
            return True

    def clear(self) -> None:
        """Forgets all, as an operator who repaired the cause wants it."""
        with self._lock:
            self._outcomes.clear()
            self._refused.clear()

    def figures(self) -> tuple[int, int]:
        """Failures in a row, whoever called, and how many callers are refused now."""
        with self._lock:
            row = 0
            for one in reversed(self._outcomes):
                if one.well:
                    break
                row += 1
            return row, sum(one.state == "open" for one in self._refused.values())

    def _note(self, caller: str, *, well: bool) -> None:
        now = self._clock.monotonic()
        while self._outcomes and self._outcomes[0].at < now - self._reset_s:
            self._outcomes.popleft()
        for name, breaker in list(self._refused.items()):  # who does not come back is forgotten
            if breaker.figures().state_s > 2 * self._reset_s:
                del self._refused[name]
        self._outcomes.append(CallOutcome(caller, well, now))


class VersionTally:
    """Calls of one version at this host since it got its share. Usable from any thread.

    Counts calls that were answered and those that the version failed (`at_fault`). A call that its caller
    spoiled, or the host, says nothing about a version, and so is in no figure.
    """

    __slots__ = ("_broken", "_lock", "_recorder")

    def __init__(self, plugin: str) -> None:
        self._recorder = CallRecorder(plugin, "")
        self._lock = threading.Lock()
        self._broken = 0

    def both(self, record: Callable[[float, str], None]) -> Callable[..., None]:
        """A recorder of calls that were answered, for their function and for the version."""
        own = self._recorder.record

        def noted(seconds: float, outcome: str = "ok") -> None:
            record(seconds, outcome)
            own(seconds, outcome)

        return noted

    def fault(self, seconds: float) -> None:
        """Counts a call that the version failed."""
        self._recorder.record(seconds, "fault")

    def broken(self) -> None:
        """Counts a call that was answered already as failed: its output is not what it promises."""
        with self._lock:
            self._broken += 1

    def totals(self) -> tuple[int, int, list[int]]:
        """Calls, how many of them the version failed, and the cumulative counts of their durations."""
        outcomes, durations, _ = self._recorder.totals()
        with self._lock:
            return sum(outcomes.values()), outcomes.get("fault", 0) + self._broken, durations

    def status(self) -> CallStatus:
        """The same for people."""
        calls, faults, durations = self.totals()
        return CallStatus(calls, faults, percentile_ms(durations, 0.95))


LEASE_S = 5.0
"""The time after which the places of a host that was killed are free again."""

_SURE_S = 1.0  # the host stops using a lease so long before others may take it: threads wait for the processor
_LEASED_S = 0.1
_PART = 4  # a host asks for a quarter of all places at once
_AGAIN_S = 0.1
_IDLE_S = 1.0


class Ledger(Protocol):
    """Gives a host places and tokens of a plugin."""

    instant: bool
    """True when asking takes no time: no database is behind it."""

    def places(self, plugin: str, wanted: int, most: int) -> int:
        """The number of places that this host holds from now on. Raises: StorageFailed."""

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
    """The part of a plugin's limit that this host holds. Units: times in seconds of the monotonic clock."""

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
        """The thing that a call lacks, or "". The caller holds the lock."""
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


_LOOK_S = 0.25
_PAUSE_S = 0.4
_STOP_S = 5.0
_MOST_CONCURRENT = 1_000_000
_MOST_PER_SECOND = 1_000_000.0


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
        gates: those of limited plugins, by name, which calls look for.
        renew: has the gate of a plugin looked for again.
        known: raises NotFound for a name that is no plugin's.
    Owns: a thread, while this host holds places that it shares with others.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        host: str,
        gates: dict[str, LimitGate],
        renew: Callable[[str], None],
        known: Callable[[str], object],
    ) -> None:
        self._gates, self._renew, self._known = gates, renew, known
        self._clock, self._host = clock, host
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
        self._known(name)
        limit = self._table.all().get(name)
        if limit is None:
            return CallLimitView(None, None, 0, None, None)
        gate = self._gates.get(name)
        held = self._table.held(name) if self._host else gate.running if gate is not None else 0
        return CallLimitView(limit.concurrent, limit.per_second, held, limit.who, limit.at)

    def set(self, name: str, order: CallLimitOrder, *, who: str) -> CallLimitView:
        """Limits the calls of a plugin in the place of what limited them; it holds at all hosts within a second.

        Calls that run go on. Raises: NotFound: no such plugin. InvalidInput: these are no limits, with its path.
        """
        self._known(name)
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
            gates, found = self._gates, self._table.all()
            for name in [name for name in gates if name not in found]:
                gates.pop(name)
                self._renew(name)
            for name, limit in found.items():
                gate = gates.get(name)
                if gate is None:
                    gate = gates[name] = LimitGate(limit, self._ledger, self._clock.monotonic)
                    gate.came = self._wake
                    self._renew(name)
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

        kept = [gate.keep(partial(wanted, name)) for name, gate in tuple(self._gates.items())]
        return any(kept)

    def _kept_by_any(self) -> bool:
        return any(gate.holds for gate in tuple(self._gates.values()))

    def _close(self) -> None:
        for gate in tuple(self._gates.values()):
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
