"""The costs of calls: what those of a block used, and calls that are kept with what they cost.

Calls are kept in the memory of their host, within a budget of rows. A call that is not kept pays for two comparisons;
one that is kept leaves a note, which becomes a row when somebody looks. Failures and slow calls are kept, up to
100 a second for a function; of the others one a second for a function.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain, count, islice
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar

from omnicore.errors import InvalidInput, NotFound, OmniError
from omnicore.ids import random_hex
from omnicore.plugins.callers import caller
from omnicore.records import Meta, Record, Time, replace
from omnicore.sandbox.abi import DoorNote, Usage
from omnicore.telemetry.logs import TRACE, Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from omnicore.capabilities.capability import CallCosts
    from omnicore.plugins.version import Target
    from omnicore.sandbox.engine import Instance


class UsageTaker(Protocol):
    """Whoever wants to know what calls used."""

    def take(self, usage: Usage) -> None:
        """Is told of each call as it ends."""


@dataclass(slots=True)
class Meter:
    """Fuel that the calls inside a `metered` block used. Only plugins whose limits set `fuel` count it."""

    fuel: int = 0

    def take(self, usage: Usage) -> None:
        """Adds the fuel of a call."""
        self.fuel += usage.fuel or 0


_T = TypeVar("_T", bound=UsageTaker)
METER: ContextVar[UsageTaker | None] = ContextVar("omnicore_meter", default=None)
"""Whoever is told of the usage of calls that are made here."""


@contextmanager
def metered(meter: _T) -> Iterator[_T]:
    """Counts the fuel of all calls made in this block, those of other threads for it among them."""
    before = METER.set(meter)
    try:
        yield meter
    finally:
        METER.reset(before)


@contextmanager
def measured(costs: CallCosts) -> Iterator[None]:
    """Fills in the time, fuel and memory of the call in this block, also when it fails."""
    started = perf_counter()
    try:
        with metered(costs):
            yield
    finally:
        costs.time_s = perf_counter() - started


def used(usage: Usage) -> None:
    """Counts what a call on another host has used where somebody measures."""
    meter = METER.get()
    if meter is not None:
        meter.take(usage)


SLOW_S = 0.1
"""A call that takes so long is always kept. Units: seconds."""

MOST_CALLS = 5000
_SAMPLE_S = 1.0
_SPOILT_S = 0.01
_WAITING = 8192
_MOST_FACT = 300
_MOST_NAME = 200
MOST_EXCERPT = 4000

CallState = Literal["ok", "failed"]


class HostCallNote(Record, frozen=True):
    """Something that a call asked of the host."""

    verb: Annotated[str, Meta(description="Such as kv.get.")]
    begin_ms: Annotated[float, Meta(description="After the call began.")]
    time_ms: float
    outcome: Annotated[str, Meta(description="`ok`, or the code of the refusal.")]


class KeptCall(Record, frozen=True):
    """A call of a plugin, kept with what it cost."""

    id: str
    plugin: str
    function: str
    version: Annotated[str, Meta(description="As the plugin's manifest says.")]
    hash: Annotated[str, Meta(description="Of the module that answered.")]
    state: CallState
    code: Annotated[str, Meta(description="`ok`, or the code of the error.")]
    error: Annotated[str, Meta(description="The fact of the error, shortened; empty where it went well.")]
    by: Annotated[str, Meta(description="Who called, such as `user 7`, `plugin text` or `workflow pay`.")]
    run: Annotated[str | None, Meta(description="The run of a workflow whose step called.")]
    place: Annotated[str | None, Meta(description="The place of that step.")]
    trace: Annotated[str | None, Meta(description="The id of its trace, where traces are collected.")]
    at: Time
    time_ms: float
    slow: Annotated[bool, Meta(description="It took long, and was kept for that.")]
    fuel: Annotated[int | None, Meta(description="Instructions; null where they are not counted.")]
    memory_bytes: int | None
    host_calls: Annotated[int, Meta(description="How often it called the host.")]
    asked: Annotated[tuple[HostCallNote, ...], Meta(description="The last things that it asked of the host.")]
    input_bytes: int
    input: Annotated[
        str | None, Meta(description="How its input begins, without secrets; null unless the host keeps it.")
    ]


class CallFilter(Record, frozen=True, kw_only=True):
    """The calls that are wanted. Units: `since` and `until` seconds since the Unix epoch."""

    plugin: str | None = None
    function: str | None = None
    version: Annotated[str | None, Meta(description="A version, or how a hash begins.")] = None
    run: str | None = None
    state: Literal["ok", "failed", "slow"] | None = None
    since: float | None = None
    until: float | None = None
    least_ms: float | None = None
    q: Annotated[Annotated[str, Meta(max_length=200)] | None, Meta(description="Words, in any order.")] = None

    def fits(self, one: KeptCall, *, inputs: bool) -> bool:
        """True for a call that is wanted; words in inputs count for those who may read them."""
        wanted_state = self.state in (None, one.state) or (self.state == "slow" and one.slow)
        named = self.plugin in (None, one.plugin) and self.function in (None, one.function)
        in_time = (self.since or 0.0) <= one.at and (self.until is None or one.at < self.until)
        of_version = self.version is None or one.version == self.version or one.hash.startswith(self.version)
        long = self.least_ms is None or one.time_ms >= self.least_ms
        fitting = wanted_state and named and in_time and of_version and long and self.run in (None, one.run)
        return fitting and (self.q is None or self._told(one, inputs=inputs))

    def _told(self, one: KeptCall, *, inputs: bool) -> bool:
        text = f"{one.code} {one.error} {one.by} {(one.input or '') if inputs else ''}".casefold()
        return all(word in text for word in (self.q or "").casefold().split())


@dataclass(frozen=True, slots=True)
class _Note:
    """A call as it ended, before it is a row. Units: `started` and `ended` of `perf_counter`, `at` the epoch."""

    number: int
    target: Target
    started: float
    ended: float
    at: float
    code: str
    fact: str
    by: str
    run: Any
    place: Any
    trace: Trace | None
    usage: Usage
    size: int
    excerpt: bytes


class KeptCalls:
    """The calls that one host keeps, in memory. Usable from any thread.

    Where rows have to go, the function with the most rows loses its oldest: what one plugin does often takes nothing
    from the others, nor do calls that went well take the place of those that did not.

    Args:
        most: rows in all.
        excerpt: so many bytes of each input are kept; 0 for none.
        redact: takes secrets out of a text.
    """

    def __init__(
        self, *, most: int = MOST_CALLS, excerpt: int = 0, redact: Callable[[str], str] = str, slow_s: float = SLOW_S
    ) -> None:
        self.slow_s = slow_s
        self._most, self.excerpt, self.redact = most, min(excerpt, MOST_EXCERPT), redact
        self._notes: deque[_Note] = deque(maxlen=_WAITING)
        self._rings: dict[tuple[str, str, bool], deque[tuple[int, KeptCall]]] = {}
        self._rows = 0
        self._numbers = count(1)
        self._run = random_hex()[:8]
        self._lock = threading.Lock()

    def note(
        self,
        target: Target,
        instance: Instance,
        times: tuple[float, float],
        given: tuple[bytes, Any],
        error: BaseException | None = None,
    ) -> None:
        """Notes a call that ended, before its instance is given back. `given` are its input and its context."""
        started, ended = times
        if error is None:
            target.sample_at = ended + _SAMPLE_S
        elif ended < target.spoilt_at:
            return
        else:
            target.spoilt_at = ended + _SPOILT_S
        usage = Usage()
        with suppress(OmniError):  # one that was closed meanwhile tells nothing
            usage = instance.usage()
        payload, context = given
        self._notes.append(
            _Note(
                *(next(self._numbers), target, started, ended, time.time() - (ended - started), *_told(error)),
                *(caller(), getattr(context, "run", None), getattr(context, "place", None), TRACE.get(), usage),
                *(len(payload), bytes(payload[: self.excerpt])),
            )
        )

    def page(
        self, wanted: CallFilter, *, limit: int, cursor: str = "", sees: Callable[[str], bool], inputs: bool
    ) -> tuple[Sequence[KeptCall], str | None]:
        """Calls of plugins that `sees` allows, the newest first, and the cursor of the next page.

        Raises: InvalidInput: the cursor.
        """
        before = self._number(cursor) if cursor else None
        if cursor and before is None:
            raise InvalidInput("cursor is not one of an earlier page", remedy="leave it out", path="cursor")
        found = self._all()
        fitting = (
            (number, one)
            for number, one in sorted(found, key=lambda row: -row[0])
            if (before is None or number < before) and sees(one.plugin) and wanted.fits(one, inputs=inputs)
        )
        page = list(islice(fitting, limit + 1))
        shown = [one if inputs else replace(one, input=None) for _, one in page[:limit]]
        return shown, shown[-1].id if len(page) > limit else None

    def get(self, call: str, *, sees: Callable[[str], bool], inputs: bool) -> KeptCall:
        """One call. Raises: NotFound."""
        for _, one in self._all():
            if one.id == call and sees(one.plugin):
                return one if inputs else replace(one, input=None)
        raise NotFound(f"no call {call[:60]!r} is kept here", remedy="see `omnicore plugins calls`")

    def forget(self, plugin: str) -> None:
        """Drops the calls of a plugin that was removed."""
        self.fold()
        with self._lock:
            for key in [key for key in self._rings if key[0] == plugin]:
                self._rows -= len(self._rings.pop(key))

    # -- inner parts

    def _all(self) -> list[tuple[int, KeptCall]]:
        self.fold()
        with self._lock:
            return list(chain.from_iterable(self._rings.values()))

    def fold(self) -> None:
        """Makes rows of notes: when somebody looks, and from time to time, so that none is lost."""
        with self._lock:
            for _ in range(len(self._notes)):
                note = self._notes.popleft()
                row = self._row(note)
                ring = self._rings.setdefault((row.plugin, row.function, row.slow or row.state == "failed"), deque())
                ring.append((note.number, row))
                self._rows += 1
                if self._rows > self._most:
                    self._make_room(ring)

    def _make_room(self, ring: deque[tuple[int, KeptCall]]) -> None:
        """Drops one row. Looks for the longest ring only when this one is no longer than its share."""
        if len(ring) <= self._most // len(self._rings):
            ring = max(self._rings.values(), key=len)
        _, gone = ring.popleft()
        self._rows -= 1
        if not ring:
            del self._rings[gone.plugin, gone.function, gone.slow or gone.state == "failed"]

    def _number(self, call: str) -> int | None:
        prefix, _, text = call.rpartition("-")
        valid = prefix == f"call_{self._run}" and text.isascii() and text.isdecimal() and len(text) < 16
        return int(text) if valid else None

    def _row(self, note: _Note) -> KeptCall:
        serving, usage, run, place = note.target.version.serving, note.usage, note.run, note.place
        return KeptCall(
            f"call_{self._run}-{note.number}",
            serving.name,
            note.target.export,
            serving.manifest.version,
            serving.hash,
            "ok" if note.code == "ok" else "failed",
            note.code,
            self.redact(note.fact),
            note.by[:_MOST_NAME],
            run if isinstance(run, str) else None,
            place if isinstance(place, str) else None,
            None if note.trace is None else f"{note.trace.id:032x}",
            note.at,
            round((note.ended - note.started) * 1000, 4),
            note.ended - note.started >= self.slow_s,
            usage.fuel,
            usage.memory_bytes or None,
            usage.host_calls,
            asked_of(usage.doors, note.started, note.ended),
            note.size,
            self.redact(note.excerpt.decode("utf-8", "replace")) if note.excerpt else None,
        )


def _told(error: BaseException | None) -> tuple[str, str]:
    """The code and the fact of an error, which itself would hold on to all that its call had."""
    if error is None:
        return "ok", ""
    return (error.code, error.fact[:_MOST_FACT]) if isinstance(error, OmniError) else (type(error).__name__, "")


def asked_of(doors: Sequence[DoorNote], started: float, ended: float) -> tuple[HostCallNote, ...]:
    """The things that a call asked of the host, in milliseconds after it began; nothing that another call asked."""
    return tuple(
        HostCallNote(verb, round((begun - started) * 1000, 4), round((over - begun) * 1000, 4), outcome)
        for verb, begun, over, outcome in doors
        if started <= begun <= ended
    )
