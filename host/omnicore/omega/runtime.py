"""`OmegaRuntime` and `OmegaAPI`: a host with a life of six states, its configuration, and eight calls on it."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, ClassVar, TypeVar
from weakref import WeakSet

from omnicore import records
from omnicore.assembly import Host
from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import LoopSettings, Settings
from omnicore.core.lifecycle import Lifecycle, RuntimeState
from omnicore.errors import CapacityReached, InvalidInput, InvalidSetting, Unavailable
from omnicore.events.typed import AnyEvent, OmegaEvent, Receiver, typed
from omnicore.evolution.architecture import EvolutionOrder
from omnicore.intelligences.intelligence import Intelligence, IntelligenceSpec, IntelligenceStatus
from omnicore.loops.lane import CycleInput, CycleOutput, LoopStatus, LoopType
from omnicore.memory.item import Memory as Kept
from omnicore.memory.service import MemoryStats, measured
from omnicore.memory.tiers import MemoryTier
from omnicore.resilience.health import HealthReport as MonitorReport
from omnicore.resilience.status import HealthStatus
from omnicore.storage.tables.evolution import Evolution

_Range = tuple[float, float]
_LONGEST_MS = 100 * 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    """Settings of memory. Units: seconds; the last is a count of one owner's memories."""

    enable_auto_consolidation: bool = True
    consolidation_interval_secs: int = 3600
    max_memories_per_tier: int = 10_000

    RANGES: ClassVar[Mapping[str, _Range]] = {
        "consolidation_interval_secs": (1, 366 * 86_400),
        "max_memories_per_tier": (1, 1_000_000_000),
    }


@dataclass(frozen=True, slots=True)
class LoopsConfig:
    """Intervals of the lanes. Units: milliseconds.

    `enable_all_loops` adds the evolutionary, transformative and transcendent lanes to those that run by themselves.
    """

    enable_all_loops: bool = False
    reflexive_interval_ms: int = 100
    reactive_interval_ms: int = 5_000
    adaptive_interval_ms: int = 1_800_000
    deliberative_interval_ms: int = 86_400_000
    evolutionary_interval_ms: int = 604_800_000
    transformative_interval_ms: int = 31_536_000_000
    transcendent_interval_ms: int = 315_360_000_000

    RANGES: ClassVar[Mapping[str, _Range]] = {
        f"{lane}_interval_ms": (10, _LONGEST_MS)
        for lane in (
            *("reflexive", "reactive", "adaptive", "deliberative", "evolutionary"),
            *("transformative", "transcendent"),
        )
    }


@dataclass(frozen=True, slots=True)
class AgentDBConfig:
    """Settings of vectors: their dimensions, the graph's links and candidates, and the number kept in memory."""

    dimension: int = 768
    hnsw_m: int = 32
    hnsw_ef: int = 100
    cache_size: int = 100_000

    RANGES: ClassVar[Mapping[str, _Range]] = {
        "dimension": (1, 4096),
        "hnsw_m": (2, 128),
        "hnsw_ef": (1, 10_000),
        "cache_size": (1, 100_000_000),
    }


@dataclass(frozen=True, slots=True)
class MetaSONAConfig:
    """Settings of the search for architectures, `OmegaAPI.evolve`.

    `mcts_iterations` is the most candidates that a search makes: each is a node of its tree. `ppo_steps` are the steps
    of PPO by which a search learns which proposer to ask, after each eight candidates; 0: it counts what they won.
    """

    enable_evolution: bool = False
    mcts_iterations: int = 100
    ppo_steps: int = 0

    RANGES: ClassVar[Mapping[str, _Range]] = {"mcts_iterations": (0, 1_000_000), "ppo_steps": (0, 1_000)}


@dataclass(frozen=True, slots=True)
class OmegaConfig:
    """All settings of a runtime.

    Args:
        data: where rows are kept; None is a folder of its own that goes when the runtime stops.
        plugins: the folder of the plugins; None is one inside of the data.
    """

    memory: MemoryConfig = field(default_factory=MemoryConfig)
    loops: LoopsConfig = field(default_factory=LoopsConfig)
    agentdb: AgentDBConfig = field(default_factory=AgentDBConfig)
    meta_sona: MetaSONAConfig = field(default_factory=MetaSONAConfig)
    data: Path | str | None = None
    plugins: Path | str | None = None

    @classmethod
    def default(cls) -> OmegaConfig:
        """The usual values."""
        return cls()

    def check(self) -> None:
        """Raises: InvalidSetting, which is a ValueError, whose `path` names the field."""
        for name, kind in _SECTIONS.items():
            section = getattr(self, name)
            if not isinstance(section, kind):
                raise _invalid(name, section, f"a {kind.__name__}")
            _check_section(name, section)
        for name in ("data", "plugins"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str | Path):
                raise _invalid(name, value, "a path, or None")


_SECTIONS: Mapping[str, type[Any]] = {
    "memory": MemoryConfig,
    "loops": LoopsConfig,
    "agentdb": AgentDBConfig,
    "meta_sona": MetaSONAConfig,
}


def settings_for(config: OmegaConfig, data: Path) -> Settings:
    """The settings of a host that keeps to a checked configuration, with this folder for its data."""
    base = Settings()
    agentdb = config.agentdb
    return replace(
        base,
        data=data,
        plugins=Path(config.plugins) if config.plugins is not None else data / "plugins",
        memory=replace(
            base.memory,
            auto_consolidation=config.memory.enable_auto_consolidation,
            consolidate_every_s=float(config.memory.consolidation_interval_secs),
            max_per_tier=config.memory.max_memories_per_tier,
            dimensions=agentdb.dimension,
            in_ram=agentdb.cache_size,
        ),
        vectors=replace(
            base.vectors,
            dimensions=agentdb.dimension,
            m=agentdb.hnsw_m,
            ef=agentdb.hnsw_ef,
            cache_size=agentdb.cache_size,
        ),
        loops=_lanes(base.loops, config.loops),
    )


def _lanes(base: LoopSettings, config: LoopsConfig) -> LoopSettings:
    intervals = {
        name: replace(getattr(base, name), interval_s=getattr(config, f"{name}_interval_ms") / 1000)
        for name in (one.name for one in fields(base))
        if hasattr(config, f"{name}_interval_ms")
    }
    return replace(base, all=config.enable_all_loops, **intervals)


def _check_section(section: str, values: Any) -> None:
    for spec in fields(values):
        value, path = getattr(values, spec.name), f"{section}.{spec.name}"
        if isinstance(spec.default, bool):
            if not isinstance(value, bool):
                raise _invalid(path, value, "True or False")
            continue
        least, most = values.RANGES[spec.name]
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _invalid(path, value, f"a whole number from {least:g} to {most:g}")


def _invalid(path: str, value: Any, wanted: str) -> InvalidSetting:
    return InvalidSetting(f"{path} is {value!r:.80}", remedy=f"make it {wanted}", path=path)


@dataclass(frozen=True, slots=True)
class Memory:
    """Something remembered. `score` says how well it fits a query. Units: seconds since the epoch."""

    id: str
    tier: MemoryTier
    content: str
    importance: float
    created_at: float
    accessed_at: float
    access_count: int
    source: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    embedding: tuple[float, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The health of the runtime. `subsystems` has agentdb, memory, loops, meta_sona and the host's other parts."""

    overall: HealthStatus
    subsystems: Mapping[str, HealthStatus]
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuntimeMetrics:
    """The runtime in numbers. `avg_response_time` and `error_rate` are of calls of `OmegaAPI` since the start."""

    uptime: timedelta
    total_memories: int
    memories_by_tier: Mapping[MemoryTier, int]
    total_cycles: int
    cycles_by_loop: Mapping[LoopType, int]
    intelligence_count: int
    avg_response_time: timedelta
    error_rate: float


def memory_of(kept: Kept) -> Memory:
    """A memory of the host as this face shows it. Tags are the list of that name in its metadata."""
    tags = kept.metadata.get("tags", ())
    return Memory(
        kept.id,
        MemoryTier(kept.tier),
        kept.text,
        kept.importance,
        kept.created_at,
        kept.accessed_at,
        kept.hits,
        source=kept.source,
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list | tuple) else (),
        metadata=kept.metadata,
        score=kept.score,
        embedding=kept.embedding,
    )


_log = logging.getLogger("omnicore.omega")
_MOST_HANDLERS = 100
_HISTORY = 1000

EventHandler = Callable[[AnyEvent], Awaitable[None] | None]
"""Called with each event; plain or async."""


class OmegaRuntime:
    """The four subsystems as one: agentdb (vectors), memory, loops and meta_sona (intelligences).

    ```python
    runtime = await OmegaRuntime.new(OmegaConfig.default())
    await runtime.start()
    api = OmegaAPI.new(runtime)
    ...
    await runtime.stop()
    ```

    `host` is the host underneath, with all that it offers. Belongs to the event loop that starts it; `set_health`
    may be used from any thread. Owns: the host, and a data folder of its own where none is configured, from `start`
    until `stop`.
    """

    def __init__(self, config: OmegaConfig, *, clock: Clock | None = None) -> None:
        config.check()
        self.config = config
        self.clock = clock or SystemClock()
        self._life = Lifecycle("the runtime")
        self._host: Host | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._receivers: WeakSet[Receiver] = WeakSet()
        self._handlers: set[asyncio.Task[None]] = set()
        self._waiting: list[EventHandler] = []
        self._reacting: asyncio.Task[None] | None = None
        self._forgotten = ""
        self._began = 0.0

    @classmethod
    async def new(cls, config: OmegaConfig | None = None) -> OmegaRuntime:
        """A runtime that is not started yet, which costs nothing. Raises: InvalidSetting, which is a ValueError."""
        return cls(config or OmegaConfig.default())

    # -- its life

    @property
    def state(self) -> RuntimeState:
        """The state of the runtime."""
        return self._life.state

    def is_running(self) -> bool:
        """True while it takes work."""
        return self.state is RuntimeState.Running

    def is_paused(self) -> bool:
        """True while it is paused."""
        return self.state is RuntimeState.Paused

    async def start(self) -> None:
        """Starts all subsystems. Raises: Conflict: it was started before; what a host raises."""
        self._life.become(RuntimeState.Initializing)
        try:
            host = await self._open_host()
        except BaseException:
            self._life.become(RuntimeState.Stopped)
            await asyncio.to_thread(self._drop_folder)
            raise
        self._host, self._began = host, self.clock.monotonic()
        self._reacting = asyncio.create_task(self._react(Receiver(host.bus)), name="omega-reactions")
        self._life.become(RuntimeState.Running)
        for handler in self._waiting:
            self.on_event(handler)
        self._waiting.clear()
        host.bus.publish("system.started", {"state": str(self.state)})

    async def stop(self) -> None:
        """Ends everything in order, then closes the subscriptions. Raises: Conflict."""
        self._life.become(RuntimeState.ShuttingDown)
        host = self.host
        host.bus.publish("system.shutdown", {"state": str(self.state)})
        try:
            await host.__aexit__(None, None, None)
        finally:
            await self._close_events()
            await asyncio.to_thread(self._drop_folder)
            self._life.become(RuntimeState.Stopped)

    async def pause(self) -> None:
        """Pauses lanes and refuses work of the API; running tasks continue. Raises: Conflict: it does not run."""
        self._life.become(RuntimeState.Paused)
        self.host.loops.pause()
        self.host.bus.publish("system.paused", {"state": str(self.state)})

    async def resume(self) -> None:
        """Goes on. Raises: Conflict: it is not paused."""
        self._life.become(RuntimeState.Running)
        self.host.loops.resume()
        self.host.bus.publish("system.resumed", {"state": str(self.state)})

    @property
    def uptime_s(self) -> float:
        """Seconds since it was started, 0.0 before."""
        return self.clock.monotonic() - self._began if self._host is not None else 0.0

    # -- its subsystems

    @property
    def host(self) -> Host:
        """The host underneath. Raises: Unavailable before `start`."""
        if self._host is None:
            raise Unavailable("the runtime is not started", remedy="await runtime.start() first")
        return self._host

    def ready(self) -> Host:
        """The host, when work is taken now. Raises: Unavailable."""
        if self.state is not RuntimeState.Running:
            raise Unavailable(f"the runtime is {self.state}", remedy="it takes work while it is Running")
        return self.host

    def health(self) -> MonitorReport:
        """The last known health of every part; runs no probe."""
        return self.host.health.report()

    def set_health(self, component: str, status: HealthStatus) -> None:
        """Sets a part's health; later probes change it again. Raises: NotFound."""
        self.host.health.set_health(component, HealthStatus(status))
        self._answer(component, HealthStatus(status))

    @property
    def exact_search(self) -> bool:
        """True while no index is used and recall compares all vectors."""
        return self.host.vectors.exact_only

    @property
    def fixed_architectures(self) -> bool:
        """True while `meta_sona.enable_evolution` is off, and no search for better architectures may begin."""
        return not self.config.meta_sona.enable_evolution

    # -- its events

    async def subscribe_events(self) -> Receiver:
        """Typed events from now on: `while (event := await receiver.recv()) is not None`."""
        receiver = Receiver(self.host.bus)
        self._receivers.add(receiver)
        return receiver

    def on_event(self, handler: EventHandler) -> None:
        """Calls a handler with each event, in order; what it raises is logged. Raises: CapacityReached."""
        if len(self._handlers) + len(self._waiting) >= _MOST_HANDLERS:
            raise CapacityReached(f"the runtime has its {_MOST_HANDLERS} handlers", remedy="join some of them")
        if self._host is None:
            self._waiting.append(handler)
            return
        receiver = Receiver(self._host.bus)
        self._receivers.add(receiver)
        task = asyncio.create_task(_handle(handler, receiver), name="omega-handler")
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)

    def event_history(self) -> list[AnyEvent]:
        """The last events, oldest first."""
        events = [event for event in self.host.bus.history("**", _HISTORY) if event.id > self._forgotten]
        return [found for event in events if (found := typed(event)) is not None]

    def clear_event_history(self) -> None:
        """Forgets the events so far; new ones are remembered."""
        last = self.host.bus.history("**", 1)
        self._forgotten = last[-1].id if last else self._forgotten

    # -- inner parts

    async def _open_host(self) -> Host:
        data = await asyncio.to_thread(self._data)
        settings = settings_for(self.config, data)
        await asyncio.to_thread(lambda: settings.plugins.mkdir(parents=True, exist_ok=True))
        host = Host(settings=settings, watch=self.config.plugins is not None)
        await host.__aenter__()
        host.health.register("agentdb", lambda: _index_problem(host), critical=True)
        host.health_part.feature("evolution", "meta_sona", "the search for better architectures")
        host.health.register("meta_sona", lambda: _count_probe(host), critical=False)
        return host

    def _data(self) -> Path:
        if self.config.data is not None:
            return Path(self.config.data)
        self._folder = TemporaryDirectory(prefix="omega-")
        return Path(self._folder.name)

    def _drop_folder(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    async def _react(self, receiver: Receiver) -> None:
        """Follows what probes find; what `set_health` says was answered at once."""
        self._receivers.add(receiver)
        while (event := await receiver.recv()) is not None:
            if isinstance(event, OmegaEvent.HealthChanged):
                with suppress(Unavailable):
                    self._answer(event.component, self.host.health.report().subsystems.get(event.component, event.new))

    def _answer(self, component: str, status: HealthStatus) -> None:
        """Reacts to a part's health. Lanes react by their own reflexes."""
        if component == "agentdb":
            unhealthy = status is HealthStatus.Unhealthy
            self.host.vectors.exact_only = self.host.memory.memories.indexes.exact_only = unhealthy

    async def _close_events(self) -> None:
        for receiver in list(self._receivers):
            receiver.close()
        tasks = [*self._handlers, *([self._reacting] if self._reacting else [])]
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=self.host.settings.drain_s)
            for task in stuck:
                task.cancel()


async def _handle(handler: EventHandler, receiver: Receiver) -> None:
    while (event := await receiver.recv()) is not None:
        try:
            result: Any = handler(event)
            if inspect.isawaitable(result):
                await result
        except Exception:  # a handler's fault is its own
            _log.exception("a handler of events failed")


def _index_problem(host: Host) -> str | None:
    """Why searches are slower than they should be, or None."""
    vectors = host.vectors.health()
    problems = [*([vectors.reason] if vectors.reason else []), *host.memory.memories.problems()]
    return "; ".join(problems) or None


def _count_probe(host: Host) -> None:
    """Reads the registry of intelligences. Raises: StorageFailed."""
    host.intelligences.count()


_T = TypeVar("_T")


class OmegaAPI:
    """The high-level interface of a runtime. Several may share one; each counts the calls made through it.

    Raises, from every call: Unavailable while the runtime does not run, and the errors of `omnicore.errors`.
    """

    def __init__(self, runtime: OmegaRuntime) -> None:
        self.runtime = runtime
        self._calls = 0
        self._failed = 0
        self._seconds = 0.0

    @classmethod
    def new(cls, runtime: OmegaRuntime) -> OmegaAPI:
        """The API of a runtime."""
        return cls(runtime)

    async def store_memory(
        self,
        tier: MemoryTier,
        content: str,
        embedding: Sequence[float] | None = None,
        importance: float | None = None,
    ) -> str:
        """Remembers a text and returns its id: the same text in the same tier is the same memory.

        Args:
            embedding: as many numbers as `agentdb.dimension`; without one the memory makes its own.
            importance: 0 to 1; without one the memory judges.

        Raises: InvalidInput; LimitExceeded: the tier is full.
        """
        return await self._counted(self._store(tier, content, embedding, importance))

    async def recall_memories(
        self,
        embedding: Sequence[float] | None = None,
        tiers: Iterable[MemoryTier] | None = None,
        limit: int = 10,
        *,
        text: str | None = None,
    ) -> list[Memory]:
        """The memories that fit an embedding, a text or both, best first. Raises: InvalidInput."""
        return await self._counted(self._recall(embedding, tiers, limit, text))

    async def create_intelligence(self, spec: IntelligenceSpec) -> Intelligence:
        """Makes an intelligence; its `status` says whether plugins provide what it requires. Raises: InvalidInput."""
        return await self._counted(self._create(spec))

    async def list_intelligences(self, *, status: IntelligenceStatus | None = None) -> list[Intelligence]:
        """Those that are not retired, oldest first."""
        return await self._counted(self._list(status))

    async def execute_loop_cycle(self, loop_type: LoopType, input: CycleInput | None = None) -> CycleOutput:
        """Runs a cycle of a lane now. Raises: InvalidInput, Conflict, CapacityReached."""
        return await self._counted(self._cycle(loop_type, input))

    async def loop_status(self, loop_type: LoopType | None = None) -> LoopStatus:
        """The status of a lane, or of all lanes together."""
        return await self._counted(self._loop_status(loop_type))

    async def health_status(self) -> HealthReport:
        """The last known health of every part; probes run in the background."""
        return await self._counted(self._health())

    async def metrics(self) -> RuntimeMetrics:
        """The runtime in numbers."""
        return await self._counted(self._metrics())

    async def evolve(self, order: EvolutionOrder) -> Evolution:
        """Begins a search for a better workflow, of at most `meta_sona.mcts_iterations` candidates.

        It goes on by itself; `runtime.host.evolution` shows it, and promotes what it found.

        Raises: Unavailable: `meta_sona.enable_evolution` is off. WorkflowInvalid. InvalidInput. ToolMissing.
        """
        return await self._counted(self._evolve(order))

    # -- inner parts

    async def _counted(self, work: Awaitable[_T]) -> _T:
        began = perf_counter()
        try:
            return await work
        except BaseException:
            self._failed += 1
            raise
        finally:
            self._calls += 1
            self._seconds += perf_counter() - began

    async def _store(
        self, tier: MemoryTier, content: str, embedding: Sequence[float] | None, importance: float | None
    ) -> str:
        host = self.runtime.ready()
        given = self._checked(embedding)
        return await host.memory.store(content, tier, importance=importance, embedding=given)

    async def _recall(
        self,
        embedding: Sequence[float] | None,
        tiers: Iterable[MemoryTier] | None,
        limit: int,
        text: str | None,
    ) -> list[Memory]:
        host = self.runtime.ready()
        given = self._checked(embedding)
        found = await host.memory.recall(text, embedding=given, tiers=tiers, limit=limit)
        return [memory_of(item) for item in found.items]

    def _checked(self, embedding: Sequence[float] | None) -> tuple[float, ...] | None:
        if embedding is None:
            return None
        wanted = self.runtime.config.agentdb.dimension
        if len(embedding) != wanted:
            raise InvalidInput(
                f"the embedding has {len(embedding)} numbers, agentdb.dimension is {wanted}",
                remedy="embed with the model that agentdb is configured for",
                path="embedding",
            )
        return tuple(embedding)

    async def _create(self, spec: IntelligenceSpec) -> Intelligence:
        return await asyncio.to_thread(self.runtime.ready().intelligences.create, spec)

    async def _evolve(self, order: EvolutionOrder) -> Evolution:
        host, config = self.runtime.ready(), self.runtime.config.meta_sona
        if self.runtime.fixed_architectures:
            raise Unavailable("architectures are fixed", remedy="set meta_sona.enable_evolution")
        most = max(1, min(order.candidates, config.mcts_iterations))
        steps = order.policy_steps or config.ppo_steps
        return await host.evolution.begin(records.replace(order, candidates=most, policy_steps=steps), who="omega")

    async def _list(self, status: IntelligenceStatus | None) -> list[Intelligence]:
        people = self.runtime.ready().intelligences
        return await asyncio.to_thread(lambda: people.list(status=status))

    async def _cycle(self, loop_type: LoopType, given: CycleInput | None) -> CycleOutput:
        return await self.runtime.ready().loops.execute_cycle(LoopType(loop_type), given)

    async def _loop_status(self, loop_type: LoopType | None) -> LoopStatus:
        return await self.runtime.host.loops.status(loop_type)

    async def _health(self) -> HealthReport:
        report = self.runtime.health()
        return HealthReport(report.overall, report.subsystems, report.reasons)

    async def _metrics(self) -> RuntimeMetrics:
        host = self.runtime.host
        # In SQLite this takes 20 us and a thread 60 more; a server may take longer than the loop should wait.
        count = partial(_counts, host)
        stats, people = count() if host.store.dialect == "sqlite" else await asyncio.to_thread(count)
        cycles = host.loops.totals()
        return RuntimeMetrics(
            uptime=timedelta(seconds=self.runtime.uptime_s),
            total_memories=stats.items,
            memories_by_tier={tier: stats.by_tier.get(tier.value, 0) for tier in MemoryTier},
            total_cycles=sum(cycles.values()),
            cycles_by_loop=cycles,
            intelligence_count=people,
            avg_response_time=timedelta(seconds=self._seconds / self._calls if self._calls else 0.0),
            error_rate=self._failed / self._calls if self._calls else 0.0,
        )


def _counts(host: Host) -> tuple[MemoryStats, int]:
    return measured(host.memory.memories), host.intelligences.count()
