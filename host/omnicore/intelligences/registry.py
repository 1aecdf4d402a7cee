"""`Intelligences` creates, finds, calls and retires intelligences, each within its budget.

Requirements are matched to functions of plugins by a pure function; call counts from the metrics rank alternates.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.clock import Clock, SystemClock
from omnicore.errors import (
    Conflict,
    GuestError,
    InvalidInput,
    LimitExceeded,
    NotFound,
    OmniError,
    PermissionDenied,
    Unavailable,
)
from omnicore.events.typed import OmegaEvent, emit
from omnicore.ids import OrderedIds
from omnicore.intelligences.intelligence import (
    BUILT_IN,
    MOST_CASES,
    Intelligence,
    IntelligenceSpec,
    IntelligenceStatus,
    PracticeCase,
    answered,
    checked_spec,
)
from omnicore.plugins.costs import Meter, metered
from omnicore.records import decode
from omnicore.storage.tables.intelligences import IntelligenceRow, IntelligencesTable, Room, SkillRow, UsageRow
from omnicore.telemetry.metrics import BUCKETS_S, CallRecorder, Metrics

if TYPE_CHECKING:
    from omnicore.events.bus import EventBus
    from omnicore.memory.item import Memory
    from omnicore.memory.service import MemoryService
    from omnicore.plugins.view import PluginView


Offers = Mapping[str, tuple[str, ...]]
"""Words and references that are provided, each with the functions that do."""


def offers_of(views: Sequence[PluginView]) -> dict[str, tuple[str, ...]]:
    """Words of functions of plugins that answer now, and each function by its reference."""
    found: dict[str, list[str]] = {}
    for view in views:
        for spec in view.functions if view.state == "enabled" else ():
            ref = f"{view.name}.{spec.name}"
            for word in dict.fromkeys((*spec.provides, ref)):
                found.setdefault(word, []).append(ref)
    return {word: tuple(refs) for word, refs in found.items()}


def resolve(spec: IntelligenceSpec, offers: Offers) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """The provider of each required word, and the words that nobody provides."""
    found = {word: offers[word] for word in spec.required_capabilities if offers.get(word)}
    return found, tuple(word for word in spec.required_capabilities if word not in found)


def status_of(spec: IntelligenceSpec, missing: Sequence[str], score: float | None) -> IntelligenceStatus:
    """The status: able to work or not, and shown to work well enough or not."""
    if missing:
        return IntelligenceStatus.MissingCapabilities
    if spec.min_capability > 0 and (score is None or score < spec.min_capability):
        return IntelligenceStatus.Unverified
    return IntelligenceStatus.Ready


def rate(calls: int, failures: int) -> float:
    """The probability that the next call succeeds; one half before the first call (Laplace's rule)."""
    return (calls - failures + 1) / (calls + 2)


MOST = 10_000
_BUDGET = "budget"
_PAGE = 100
_MOST_PAGE = 500


class Plugins(Protocol):
    """The part of the plugin host that the registry uses."""

    def list(self) -> Sequence[PluginView]:
        """Every plugin."""

    def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None) -> Awaitable[Any]:
        """Calls a function."""


class Intelligences:
    """The intelligences of one host; what they are is in the database. Usable from any thread.

    Args:
        memory: what they remember with, each for itself.
        most: how many there may be that are not retired.
    """

    def __init__(
        self,
        table: IntelligencesTable,
        plugins: Plugins,
        bus: EventBus,
        *,
        memory: MemoryService | None = None,
        clock: Clock | None = None,
        most: int = MOST,
    ) -> None:
        self._table, self._plugins, self._bus = table, plugins, bus
        self._memory = memory
        self._clock = clock or SystemClock()
        self._ids = OrderedIds("int")
        self._most = most

    def create(self, spec: IntelligenceSpec) -> Intelligence:
        """Makes one; a name that is there already gets another version. On the disk when it returns.

        Raises:
            InvalidInput: a field of the spec, or `strict` and something required is not there.
            LimitExceeded: there are too many.
        """
        spec = checked_spec(spec)
        offers = offers_of(self._plugins.list())
        _, missing = resolve(spec, offers)
        if spec.strict and missing:
            raise InvalidInput(
                f"no plugin provides {', '.join(missing)}",
                remedy="install one that does, or create it without strict",
                path="required_capabilities",
                missing=list(missing),
            )
        row = self._table.add(self._ids.next(), spec.name, spec.to_json(), self._clock.now(), most=self._most)
        if row is None:
            raise LimitExceeded(
                f"there are {self._most} intelligences", remedy="retire some", limit="intelligences", allowed=self._most
            )
        made = self._read(row, offers)
        emit(self._bus, OmegaEvent.IntelligenceCreated(made.id, made.name), "intelligences")
        return made

    def get(self, id_: str) -> Intelligence:
        """One, retired or not, as it stands now. Raises: NotFound."""
        row = self._table.get(id_)
        if row is None:
            raise NotFound(f"there is no intelligence {id_[:80]!r}", remedy="see `omnicore intelligences ls`")
        return self._read(row, offers_of(self._plugins.list()))

    def list(
        self,
        *,
        status: IntelligenceStatus | None = None,
        name: str | None = None,
        capability: str | None = None,
        retired: bool = False,
    ) -> list[Intelligence]:
        """All that are not retired, or with `retired` those that are, oldest first, that fit every filter."""
        found: list[Intelligence] = []
        after = ""
        while page := self._page(after, _MOST_PAGE, name=name, retired=retired):
            found += [one for one in page if _fits(one, status, capability)]
            after = page[-1].id
        return found

    def page(
        self, limit: int = _PAGE, cursor: str | None = None, *, retired: bool = False
    ) -> tuple[Sequence[Intelligence], str | None]:
        """A page of those that are not retired, or of those that are, oldest first, and the cursor of the next page."""
        found = self._page(cursor or "", min(limit, _MOST_PAGE) + 1, name=None, retired=retired)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def count(self) -> int:
        """The number of intelligences that are not retired."""
        return self._table.count()

    def retire(self, id_: str) -> None:
        """Ends one: it takes no more calls and leaves the lists. Raises: NotFound."""
        if not self._table.retire(id_, self._clock.now()):
            self.get(id_)
            raise Conflict(f"{id_} is retired already", remedy="nothing is left to do")
        self._bus.publish("intelligence.retired", {"id": id_}, "intelligences")

    def usage(self, id_: str) -> UsageRow:
        """Usage in the current period. Raises: NotFound."""
        one = self.get(id_)
        return self._table.usage(id_, self._period(one))

    async def call(self, id_: str, capability: str, data: Any = b"") -> Any:
        """Has an intelligence do one of the things that it requires.

        Args:
            capability: one of its required capabilities.
            data: handed to each function that is called.

        Raises:
            NotFound: no such intelligence.
            Conflict: it is retired.
            PermissionDenied: the capability is none of its own.
            Unavailable, and all that a call raises: nobody provides it, or the call failed.
            LimitExceeded: its budget is used up.
        """
        one = await self._active(id_)
        if capability not in one.spec.required_capabilities:
            raise PermissionDenied(
                f"{one.name} may not use {capability[:100]}",
                remedy="create a version of it that requires this capability",
                capability=capability[:100],
            )
        refs = one.capabilities.get(capability)
        if not refs:
            raise NotFound(f"no plugin provides {capability}", remedy="install or enable one that does")
        best = await asyncio.to_thread(self._best_first, refs)
        return await BUILT_IN[one.spec.architecture](best, self._caller(one, data))

    async def practise(self, id_: str, cases: Sequence[PracticeCase]) -> Intelligence:
        """Has it do every case and keeps the part that it got right as its score, which `min_capability` is met by.

        A case counts as a call of its budget. One whose call fails is wrong.

        Raises: InvalidInput: no cases, or too many. NotFound, Conflict, PermissionDenied and LimitExceeded as `call`;
            nothing is kept then, and the score before stays.
        """
        if not cases:
            raise InvalidInput("there are no cases to practise", remedy="give one at least", path="cases")
        if len(cases) > MOST_CASES:
            raise InvalidInput(f"there are over {MOST_CASES} cases", remedy="give fewer of them", path="cases")
        right = 0
        for case in cases:
            try:
                right += answered(case, await self.call(id_, case.capability, case.input))
            except (GuestError, Unavailable) as error:
                if error.details.get("limit") == _BUDGET:
                    raise
        await asyncio.to_thread(self._table.measure, id_, right / len(cases))
        return await asyncio.to_thread(self.get, id_)

    # -- what it remembers

    async def remember(
        self, id_: str, text: str, tier: str, *, importance: float | None = None, source: str | None = None
    ) -> str:
        """Keeps a text for an intelligence alone and returns the memory's id.

        Raises: NotFound, Conflict; PermissionDenied: the tier is outside of its scope; what memory raises.
        """
        one = await self._active(id_)
        memory = self._memory_of(one, (tier,))
        return await memory.store(text, tier, owner=_owner(one), importance=importance, source=source)

    async def recall(self, id_: str, text: str, *, tiers: Sequence[str] = (), limit: int = 10) -> Sequence[Memory]:
        """Memories of an intelligence that match a text, best first; in all tiers of its scope, or in some of them.

        Raises: as `remember`.
        """
        one = await self._active(id_)
        wanted = tuple(tiers) or one.memory_scope
        memory = self._memory_of(one, wanted)
        return (await memory.recall(text, tiers=wanted, owner=_owner(one), limit=limit)).items

    # -- inner parts

    async def _active(self, id_: str) -> Intelligence:
        one = await asyncio.to_thread(self.get, id_)
        if one.retired_at is not None:
            raise Conflict(f"{one.name} is retired", remedy="create another version of it")
        return one

    def _memory_of(self, one: Intelligence, tiers: Sequence[str]) -> MemoryService:
        outside = [str(tier) for tier in tiers if str(tier) not in one.memory_scope]
        if outside:
            raise PermissionDenied(
                f"{one.name} may not use the tier {outside[0][:80]}",
                remedy="create a version of it with this tier in memory_tiers",
                capability="memory",
                resource=outside[0][:80],
            )
        if self._memory is None:
            raise Unavailable("this host has no memory", remedy="run it on a host that has one")
        return self._memory

    def _caller(self, one: Intelligence, data: Any) -> Callable[[str], Awaitable[Any]]:
        timeout_s = one.spec.max_inference_time / 1000 if one.spec.max_inference_time else None
        room = Room(one.budget.calls, one.budget.seconds, one.budget.fuel)

        async def call(ref: str) -> Any:
            period = self._period(one)
            if not await asyncio.to_thread(self._table.take, one.id, period, room):
                raise _used_up(one)
            began = time.monotonic()
            with metered(Meter()) as meter:
                try:
                    return await self._plugins.call(ref, data, timeout_s=timeout_s)
                finally:
                    seconds = time.monotonic() - began
                    spent = asyncio.to_thread(self._table.spend, one.id, period, seconds=seconds, fuel=meter.fuel)
                    await asyncio.shield(spent)

        return call

    def _best_first(self, refs: Sequence[str]) -> Sequence[str]:
        """Those with the best record first; of equal ones, in the order of their names."""
        if len(refs) == 1:
            return refs
        skills = self._table.skills()
        rates = {ref: rate(skills[ref].calls, skills[ref].failures) if ref in skills else rate(0, 0) for ref in refs}
        return sorted(refs, key=lambda ref: (-rates[ref], ref))

    def _period(self, one: Intelligence) -> int:
        length = one.budget.period_s
        return int(self._clock.now() // length * length)

    def _page(self, after: str, limit: int, *, name: str | None, retired: bool) -> Sequence[Intelligence]:
        rows = self._table.page(after=after, limit=limit, retired=retired, name=name)
        offers = offers_of(self._plugins.list()) if rows else {}
        return [self._read(row, offers) for row in rows]

    def _read(self, row: IntelligenceRow, offers: Offers) -> Intelligence:
        spec = decode(IntelligenceSpec, row.spec, "spec")
        capabilities, missing = resolve(spec, offers)
        return Intelligence(
            *(row.id, row.name, row.version, spec, status_of(spec, missing, row.score), capabilities, missing),
            *(row.created_at, row.retired_at, row.score),
        )


def _owner(one: Intelligence) -> str:
    return f"@{one.id}"  # no plugin's name has an @, so nobody else's memories are these


def _fits(one: Intelligence, status: IntelligenceStatus | None, capability: str | None) -> bool:
    wanted = capability is None or capability in one.spec.required_capabilities
    return wanted and status in (None, one.status)


def _used_up(one: Intelligence) -> LimitExceeded:
    return LimitExceeded(
        f"{one.name} has used up its budget of this period",
        remedy=f"wait for the next one (they last {one.budget.period_s:g} s), or create a version with more",
        limit=_BUDGET,
        allowed=None,
    )


class Skills:
    """Takes in what this process counted. `learn` belongs to one caller at a time."""

    def __init__(self, metrics: Metrics, table: IntelligencesTable, clock: Clock) -> None:
        self._metrics, self._table, self._clock = metrics, table, clock
        self._seen: dict[str, tuple[dict[str, int], list[int]]] = {}

    def learn(self) -> Sequence[SkillRow]:
        """Adds what was counted since the last time to the skills, and returns it."""
        now = self._clock.now()
        news, seen = [], {}
        for recorder in self._metrics.recorders():
            ref = f"{recorder.plugin}.{recorder.function}"
            counts, cumulative, _ = recorder.totals()
            seen[ref] = (counts, cumulative)
            note = self._since(ref, recorder, counts, cumulative, now)
            if note is not None:
                news.append(note)
        self._table.learn(news)
        self._seen = seen
        return news

    def _since(
        self, ref: str, recorder: CallRecorder, counts: dict[str, int], cumulative: list[int], now: float
    ) -> SkillRow | None:
        old_counts, old_cumulative = self._seen.get(ref, ({}, [0] * len(cumulative)))
        if cumulative[-1] < old_cumulative[-1]:  # removed and installed again: it began anew
            old_counts, old_cumulative = {}, [0] * len(cumulative)
        news = {outcome: count - old_counts.get(outcome, 0) for outcome, count in counts.items()}
        failures = sum(count for outcome, count in news.items() if outcome in _GUEST_CODES)
        calls = news.get("ok", 0) + failures  # what callers did wrong says nothing of a function
        if calls <= 0:
            return None
        taken = [new - old for new, old in zip(cumulative, old_cumulative, strict=True)]
        return SkillRow(ref, recorder.plugin, calls, failures, _percentile(taken, 0.95), now)


def _percentile(cumulative: Sequence[int], share: float) -> float:
    """The bound below which this share of the calls took. Units: seconds."""
    wanted = cumulative[-1] * share
    place = next((place for place, count in enumerate(cumulative) if count >= wanted), len(cumulative) - 1)
    return BUCKETS_S[min(place, len(BUCKETS_S) - 1)]


def _codes(kind: type[OmniError]) -> frozenset[str]:
    return frozenset({kind.code}).union(*(_codes(one) for one in kind.__subclasses__()))


_GUEST_CODES = _codes(GuestError)
