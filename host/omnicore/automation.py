"""Automation in a host: workflows, the services of their steps, their triggers, and the lanes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omnicore.capabilities.services import Services
from omnicore.clock import Clock
from omnicore.config.brokers import read_brokers
from omnicore.config.folders import code_folder
from omnicore.config.settings import Settings, WorkflowSettings
from omnicore.connectors.http import HttpClient
from omnicore.errors import BuildFailed, InvalidSetting
from omnicore.evolution.service import Evolutions
from omnicore.files import only_one, write_whole
from omnicore.fleet.hosts import Fleet, FleetParts, Identity
from omnicore.ids import id_of
from omnicore.intelligences.intelligence import IntelligenceStatus
from omnicore.intelligences.registry import Intelligences, Skills
from omnicore.jobs.alarms import Alarms
from omnicore.jobs.tasks import StoredTasks
from omnicore.loops.duties import Chores, Duties, PluginFacts, Worker
from omnicore.loops.engine import LoopEngine
from omnicore.loops.handlers import PluginHandlers
from omnicore.memory.tiers import MemoryTier
from omnicore.optional import optional
from omnicore.parts import HostParts
from omnicore.plugins.placement import LabelledHost, PlacedWork
from omnicore.sandbox.abi import MIB
from omnicore.sandbox.engine import SandboxEngine
from omnicore.sandbox.engines import engine_for
from omnicore.storage.archive import write_rows
from omnicore.storage.backup import backup
from omnicore.storage.host_locks import HostLocks, host_identity
from omnicore.storage.migrations import NEWEST
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Store
from omnicore.storage.tables.alarms import Alarm
from omnicore.storage.tables.fleet import FleetHosts, HostLoad
from omnicore.storage.tables.intelligences import IntelligencesTable
from omnicore.storage.tables.kv import KvTable
from omnicore.storage.tables.loops import LoopsTable
from omnicore.toolchains.languages import load
from omnicore.version import __version__
from omnicore.workflows.engine import EmbeddedEngine, EngineParts
from omnicore.workflows.expressions.jq import SHARED, JqLimits
from omnicore.workflows.language.palette import palette_of
from omnicore.workflows.live import Telling
from omnicore.workflows.service import Workflows
from omnicore.workflows.steps.effects import Effects
from omnicore.workflows.steps.step import EffectLimits, Scripting, StepServices
from omnicore.workflows.triggers.brokers import Brokers
from omnicore.workflows.triggers.triggers import Triggers

if TYPE_CHECKING:
    from omnicore.fleet.part import FleetPart


class WorkflowPart:
    """Started it runs what is due."""

    def __init__(self, service: Workflows, effects: Effects, telling: Telling) -> None:
        self.service, self.telling = service, telling
        self._effects = effects

    async def start(self) -> None:
        """Takes up what was left, and begins to run what is due."""
        await self.service.engine.start()

    async def stop(self) -> None:
        """Lets what is under way finish, and gives every run back."""
        await self.service.engine.stop()
        self.service.desk.close()
        await asyncio.to_thread(self._effects.close)


def workflow_part(parts: HostParts, http: HttpClient, stored: StoredTasks, *, clock: Clock, work: bool) -> WorkflowPart:
    """The workflows of a host, with the services that their steps use."""
    settings, store, connectors, chosen = parts.settings, parts.store, parts.connectors, parts.settings.workflows
    services = StepServices(
        parts.plugins,
        connectors,
        http,
        connectors.vault,
        KvTable(store, clock),
        clock,
        memory=parts.memory,
        vectors=parts.vectors,
        tasks=stored,
        scripting=scripting(settings),
    )
    effects, telling = Effects(services, _limits(chosen)), Telling(parts.bus)
    of_engine = EngineParts(
        store,
        chosen,
        clock,
        performer=effects,
        locks=HostLocks(settings.data / "hosts"),
        tell=telling,
        signed=parts.audit.signed if chosen.audit else None,
        drain_s=settings.drain_s,
        work=work,
        serves=effects.serves,
        left=parts.plugins.routes.placements.left,
        waits_for=effects.waits_for,
    )
    _set_expressions(settings)
    engine = EmbeddedEngine(of_engine)
    service = Workflows(
        engine,
        palette=lambda: palette_of(parts.plugins.list(), connectors.list()),
        webhook=lambda name: connectors.hooks.table.named(name) is not None,
        forget=effects.forget,
    )
    _show_workflows(engine, parts)
    return WorkflowPart(service, effects, telling)


def _set_expressions(settings: Settings) -> None:
    """Those of the process and not of one host: expressions are compiled before anything is known of a host."""
    chosen = settings.workflows
    limits = JqLimits(timeout_s=chosen.expression_s, fuel=chosen.expression_fuel, value_bytes=2 * chosen.value_bytes)
    SHARED.configure(limits, cache=code_folder(settings.data))


def _limits(chosen: WorkflowSettings) -> EffectLimits:
    return EffectLimits(
        http_hosts=chosen.http_hosts,
        http_private=chosen.http_private,
        http_bytes=chosen.http_bytes,
        output_bytes=chosen.value_bytes,
        longest_s=chosen.action_s,
    )


def _show_workflows(engine: EmbeddedEngine, parts: HostParts) -> None:
    engine.definitions.tell = parts.bus.publish
    runner, metrics = engine.runner, parts.metrics
    metrics.gauge("workflow_runs_live", "Runs of workflows in memory on this host", lambda: len(runner.live))
    metrics.gauge("workflow_actions", "Steps' actions under way on this host", lambda: runner.actions)
    metrics.gauge("workflow_lag_seconds", "How late the newest claim of a run was", lambda: engine.lag_s)
    metrics.counts("workflow_steps", "Rows of runs that this host has kept", (), lambda: {(): float(runner.steps)})
    metrics.counts(
        "workflow_runs",
        "Runs that ended on this host since its start",
        ("status",),
        lambda: {(status,): float(count) for status, count in runner.ended.items()},
    )
    metrics.counts(
        "workflow_expressions_late",
        "Attempts at expressions that the host had no time for: made again, or given up",
        ("what",),
        lambda: {("again",): float(SHARED.figures.again), ("given_up",): float(SHARED.figures.given_up)},
    )
    parts.health.register("workflows", lambda: engine.trouble or None, critical=False)


class TriggerPart:
    """Triggers, then brokers; they run while the workflows do."""

    def __init__(self, triggers: Triggers, brokers: Brokers) -> None:
        self.triggers, self.brokers = triggers, brokers

    async def start(self) -> None:
        """Begins to tick, to take deliveries, to dispatch events and to connect."""
        await self.triggers.start()
        await self.brokers.start()

    async def stop(self) -> None:
        """Ends that; what was not kept yet stays with its sender."""
        await self.brokers.stop()
        await self.triggers.stop()


def trigger_part(parts: HostParts, telling: Telling, *, clock: Clock, work: bool) -> TriggerPart:
    """The triggers and brokers that begin runs of a host's workflows. Raises: InvalidSetting: `brokers`."""
    settings, workflows = parts.settings, parts.workflows
    works = work and settings.workflows.workers > 0
    triggers = Triggers(
        parts.store,
        workflows.engine.journal,
        workflows,
        parts.bus,
        clock,
        hooks=parts.connectors.hooks,
        work=works,
        event_bytes=min(settings.workflows.value_bytes, MIB),
    )
    workflows.definitions.triggers = triggers
    telling.ended, telling.emitted = triggers.ended, triggers.poke
    chosen = read_brokers(settings.brokers)
    brokers = Brokers(chosen, triggers, parts.store, clock, consumer=_consumer(settings), work=works)
    _show_triggers(triggers, brokers, parts)
    return TriggerPart(triggers, brokers)


def _consumer(settings: Settings) -> str:
    """The same name after each start, so that a broker's lists of consumers do not grow."""
    place = hashlib.sha256(str(settings.data.absolute()).encode()).hexdigest()[:8]
    return f"omnicore-{socket.gethostname()[:40]}-{place}"


def _show_triggers(triggers: Triggers, brokers: Brokers, parts: HostParts) -> None:
    figures, metrics = triggers.figures, parts.metrics
    metrics.counts(
        "workflow_events",
        "Events of the inbox by what became of them on this host since its start",
        ("outcome",),
        lambda: {
            ("delivered",): float(figures.delivered),
            ("began",): float(figures.began),
            ("dropped",): float(figures.dropped),
            ("refused",): float(figures.refused),
        },
    )
    metrics.counts(
        "broker_messages",
        "Messages from and to brokers since the start",
        ("broker", "way"),
        lambda: {
            (name, way): float(getattr(one, way))
            for name, one in brokers.figures().items()
            for way in ("received", "again", "dropped", "sent")
        },
    )
    parts.health.register("brokers", lambda: brokers.trouble, critical=False)


def fleet_identity(data: Path, store: Store, clock: Clock, stack: ExitStack, *, work: bool) -> Identity:
    """The identity of a host, by its key where others share its database; a command has none.

    Raises: StorageFailed: the key cannot be used.
    """
    if not work:
        return Identity("", __version__)
    if store.dialect != "postgresql":
        return Identity(id_of("host", os.fsencode(data)), __version__)
    keys = optional("omnicore.fleet.keys")  # only now: cryptography takes time to import
    key = keys.host_key(host_identity(data), data)
    stack.callback(key.close)
    return Identity(key.id, __version__, key, keys.Signatures(key.id, clock, FleetHosts(store).key_of))


_MODULE_PLACES = {
    "s3": ("omnicore.connectors.aws", "aws"),
    **dict.fromkeys(("nats", "tls"), ("omnicore.fleet.objects", "fleet")),
    "oci": ("omnicore.packages.source", ""),
}
"""By scheme of `modules.store`: the room whose `module_place` makes the place, and the extra that it needs, if any."""


def module_store(parts: HostParts, stack: ExitStack, *, work: bool) -> ModuleStore:
    """The modules of a host, shared through what `modules.store` names. Raises: InvalidSetting, ToolMissing."""
    settings, place = parts.settings, None
    if url := settings.modules.store:
        scheme = url.partition("://")[0]
        if scheme not in _MODULE_PLACES:
            raise InvalidSetting(
                f"modules.store begins with {scheme[:20]!r}",
                remedy="write s3://BUCKET/PREFIX, nats://?bucket=NAME or oci://HOST/NAME, or leave it out",
                setting="modules.store",
            )
        module, extra = _MODULE_PLACES[scheme]
        place = optional(module, extra=extra).module_place(url, settings)
    most = max(settings.max_limits.module_bytes, settings.max_limits.component_bytes)
    store = ModuleStore(settings.data / "modules", parts.store, place=place, most=most)
    if place is not None:
        stack.callback(store.close)
        if work:
            parts.health.register("modules", lambda: store.look() or None, critical=False)
    return store


def fleet_part(parts: HostParts, identity: Identity, http: HttpClient, *, clock: Clock, work: bool) -> Fleet:
    """This host among those of its fleet. Raises: InvalidSetting: `fleet.labels`."""
    runner, nats = parts.workflows.engine.runner, parts.nats

    async def withdraw(on: bool) -> None:
        if nats is not None:
            await nats.drain(on=on)

    return Fleet(
        FleetParts(
            store=parts.store,
            settings=parts.settings.fleet,
            clock=clock,
            identity=identity,
            http=http,
            logs=parts.logs,
            load=lambda: HostLoad(parts.plugins.in_flight, parts.tasks.running, len(runner.live)),
            observed=parts.plugins.observed,
            handed_over={
                "storage.url": parts.settings.storage.url,
                "fleet.url": parts.settings.fleet.url,
                "fleet.secret": parts.settings.fleet.secret,
                "modules.store": parts.settings.modules.store,
            },
            refuse=parts.plugins.refuse,
            withdraw=withdraw,
            claims=(parts.tasks, parts.workflows.engine),
            publish=parts.bus.publish,
            drain_s=parts.settings.drain_s,
            work=work,
        )
    )


def placed_work(parts: HostParts, stored: StoredTasks, host: str) -> PlacedWork:
    """Has work tried again that waits for a plugin which is placed elsewhere by now; `host` is the id of this host."""
    placements, store, nats = parts.plugins.routes.placements, parts.store, parts.nats
    if store.dialect == "postgresql":
        placements.sources.append(partial(_of_database, FleetHosts(store), host))
    if nats is not None:
        placements.sources.append(partial(_of_fleet, nats))
        placements.reached = lambda: nats.connection.connected
    placed = parts.plugins.routes.catalogue.placed
    return PlacedWork(placements, stored, parts.workflows.engine.served, placed=placed)


def _of_database(hosts: FleetHosts, host: str) -> Sequence[LabelledHost]:
    seen = [one for one in hosts.all(silence_s=_SILENCE_S) if one.id != host and one.state != "away"]
    return [LabelledHost(one.id, one.name, one.labels, works=one.state == "ready") for one in seen]


def _of_fleet(nats: FleetPart) -> Sequence[LabelledHost]:
    return [LabelledHost(one.host, one.name or one.host, one.labels) for one in nats.directory.hosts()]


_SILENCE_S = 15.0
_ENTRIES = {"js": "script.js", "python": "script.py"}


def scripting(settings: Settings) -> Scripting:
    """Builds the plugins of scripts with the toolchains that are installed, and keeps them in the folder of data."""
    folder = settings.data / "scripts"

    def build(language: Literal["js", "python"], source: str) -> bytes:
        kept = folder / f"{hashlib.sha256(source.encode()).hexdigest()}.wasm"
        with only_one(kept):
            if kept.is_file():
                return kept.read_bytes()
            wasm = _built(language, source)
            write_whole(kept, wasm)
            return wasm

    def engine() -> SandboxEngine:
        return engine_for(settings, code_folder(settings.data))

    return Scripting(build, engine)


def _built(language: str, source: str) -> bytes:
    toolchain = load(language)
    with tempfile.TemporaryDirectory(prefix="omnicore-script-") as scratch:
        entry = Path(scratch) / _ENTRIES[language]
        entry.write_text(source, "utf-8")
        found = toolchain.find(entry)
        if found is None:
            raise BuildFailed(f"{entry.name} cannot be built", remedy="install omnicore again")
        return toolchain.build(found, lambda line: None).wasm


_BACKUP = "omnicore-backup.zip"
_ROWS = "rows"
_MOST_FUNCTIONS = 50


def intelligence_registry(parts: HostParts, clock: Clock) -> Intelligences:
    """The intelligences of a host."""
    return Intelligences(IntelligencesTable(parts.store), parts.plugins, parts.bus, memory=parts.memory, clock=clock)


def evolutions(parts: HostParts, *, clock: Clock, host: str, work: bool) -> Evolutions:
    """The searches for better architectures."""
    return Evolutions(parts.workflows, parts.plugins, parts.store, parts.bus, clock, host=host, work=work)


def loop_engine(parts: HostParts, services: Services, *, clock: Clock, work: bool) -> LoopEngine:
    """The lanes of a host."""
    settings, table = parts.settings.loops, LoopsTable(parts.store)
    handlers = PluginHandlers(parts.plugins, services, parts.bus)
    chores = _Chores(parts, handlers, clock).all()
    parts.plugins.forgetting.append(IntelligencesTable(parts.store).forget_skills)
    engine = LoopEngine(
        settings,
        table=table,
        bus=parts.bus,
        duties=Duties(chores, table=table, clock=clock, kept=settings.archives).by_lane(),
        handlers=handlers,
        clock=clock,
        work=work,
        failed=parts.health_part.failed,
    )
    parts.health.register("loops", engine.probe, critical=False)
    parts.metrics.gauge("loop_cycles", "Cycles of all lanes, as this host knows", lambda: sum(engine.totals().values()))
    return engine


class _Chores:
    """The functions that the duties of lanes call, one method each."""

    def __init__(self, parts: HostParts, handlers: PluginHandlers, clock: Clock) -> None:
        self._parts, self._handlers, self._clock = parts, handlers, clock
        self._data = parts.settings.data
        self._table = IntelligencesTable(parts.store)
        self._skills = Skills(parts.metrics, self._table, clock)

    def all(self) -> Chores:
        return Chores(
            probe=self.probe,
            drain=self.drain,
            consolidate=self.consolidate,
            learn=self._skills.learn,
            limit_s=self._handlers.limit_s,
            staff=self.staff,
            measure=self.measure,
            remember=self.remember,
            survey=self.survey,
            versions=self.versions,
            export=self.export,
            archives=self._data / "archives",
        )

    async def probe(self) -> Mapping[str, str]:
        report = await self._parts.health.check()
        return {name: status.value for name, status in report.subsystems.items()}

    async def drain(self) -> Mapping[str, int]:
        pending = await asyncio.to_thread(lambda: self._parts.tasks.pending)
        await asyncio.to_thread(self._parts.memory.memories.flush)
        return {"tasks": pending}

    async def consolidate(self) -> Mapping[str, int]:
        done = (await self._parts.memory.consolidate()).to_json()
        moved = {f"{one['from_tier']}>{one['to_tier']}": one["count"] for one in done.pop("moved")}
        return {**moved, **{name: count for name, count in done.items() if count}}

    async def remember(self, text: str, importance: float) -> str:
        return await self._parts.memory.store(text, MemoryTier.Strategic, importance=importance, source="loops")

    def staff(self) -> Sequence[Worker]:
        return [
            Worker(
                one.id,
                one.name,
                frozenset(one.spec.required_capabilities),
                ready=one.status is not IntelligenceStatus.MissingCapabilities,
            )
            for one in self._parts.intelligences.list()
        ]

    def measure(self) -> Mapping[str, float]:
        calls, failures, seconds = 0, 0, 0.0
        each: list[tuple[int, str, int]] = []
        for recorder in self._parts.metrics.recorders():
            counts, _, taken = recorder.totals()
            total = sum(counts.values())
            failed = total - counts.get("ok", 0)
            calls, failures, seconds = calls + total, failures + failed, seconds + taken
            each.append((total, f"{recorder.plugin}.{recorder.function}", failed))
        found = {
            "calls": float(calls),
            "error_rate": failures / calls if calls else 0.0,
            "avg_response_s": seconds / calls if calls else 0.0,
            "tasks_failed": float(self._parts.tasks.failed),
            **_sizes(self._data),
        }
        for total, ref, failed in sorted(each, reverse=True)[:_MOST_FUNCTIONS]:
            if total:
                found |= {f"{ref}.calls": float(total), f"{ref}.error_rate": failed / total}
        return found

    def survey(self) -> Sequence[PluginFacts]:
        counted: dict[str, int] = {}
        for row in self._table.skills().values():
            counted[row.plugin] = counted.get(row.plugin, 0) + row.calls
        for recorder in self._parts.metrics.recorders():
            counted[recorder.plugin] = counted.get(recorder.plugin, 0) + sum(recorder.totals()[0].values())
        return [
            PluginFacts(
                view.name,
                view.state,
                asked=frozenset(one.name for one in view.asked),
                granted={one.capability: one.scope for one in view.granted},
                newest=view.hash == view.serving,
                calls=counted.get(view.name, 0),
            )
            for view in self._parts.plugins.list()
        ]

    def versions(self) -> Mapping[str, str]:
        return {"omnicore": __version__, "schema": str(NEWEST), "database": self._parts.store.dialect}

    def export(self, folder: Path) -> Mapping[str, int]:
        backup(self._parts.store, self._data, folder / _BACKUP, clock=self._clock)
        return write_rows(folder / _BACKUP, folder / _ROWS)


def _sizes(data: Path) -> dict[str, float]:
    """Sizes of the process and its database, where the system shows them. Units: bytes."""
    found: dict[str, float] = {}
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        found["rss_bytes"] = float(pages * os.sysconf("SC_PAGE_SIZE"))
    with suppress(OSError):
        found["storage_bytes"] = float((data / "omnicore.db").stat().st_size)
    return found


class _Tellers:
    """The ways in which a host tells of alarms."""

    def __init__(self, parts: HostParts) -> None:
        self._parts = parts

    def publish(self, topic: str, data: Mapping[str, Any]) -> object:
        return self._parts.bus.publish(topic, data)

    def record(self, alarm: Alarm) -> None:
        audit = self._parts.audit
        origin, target = audit.process.rpartition(":")[0], f"alarm:{alarm.name}"
        audit.note(
            actor="alarms",
            via="host",
            origin=origin,
            action="alarm fired" if alarm.state == "firing" else "alarm ended",
            target=target,
            outcome="ok",
        )

    async def connector(self, connector: str, action: str, given: Any, key: str) -> None:
        await self._parts.connectors.use("alerts", connector, action, given, key=key)

    async def workflow(self, workflow: str, given: Any, key: str) -> None:
        await self._parts.workflows.start(workflow, given, key=key, by="alarms")


def alarm_part(parts: HostParts, clock: Clock, *, host: str, work: bool) -> Alarms:
    """The alarms of a host's database."""
    return Alarms(parts.store, parts.metrics, clock, _Tellers(parts), host=host, work=work)
