"""Engines over one store, steps whose work the test does, and a way to lose a host as a crash does."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import WorkflowSettings
from omnicore.storage.host_locks import HostLocks
from omnicore.storage.store import Store
from omnicore.workflows.engine import EmbeddedEngine, EngineParts
from omnicore.workflows.entries import Performed, RunContext, StepAction
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import CallTask, EmitTask, Node
from omnicore.workflows.live import LiveRun
from omnicore.workflows.service import Workflows

QUICK = WorkflowSettings(lease_s=0.6, poll_s=0.02, park_s=0.3, sweep_s=60, inline_bytes=256, value_bytes=65_536)


class Steps:
    """Does what `call: work.NAME` asks, and remembers each call. `gate` holds back those of `work.wait`."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.keys: list[str] = []
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.cut = 0
        self.at_once = self.most_at_once = 0
        self.broken: set[str] = set()
        self.made: dict[str, str] = {}
        """What the calls of a name wait for."""

    @property
    def counts(self) -> Counter[str]:
        return Counter(name for name, _, _ in self.calls)

    def waits_for(self, node: Node) -> str:
        return self.made.get(node.name, "")

    async def perform(self, action: StepAction, run: RunContext) -> Performed:
        node = action.node
        if isinstance(node, EmitTask):
            return Performed(action.value, events=(action.value,))
        assert isinstance(node, CallTask)
        name = node.ref.partition(".")[2]
        self.calls.append((name, run.run, action.value))
        self.keys.append(action.key)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return Performed(await getattr(self, name)(action.value), {"plugin": "work"})
        finally:
            self.at_once -= 1

    async def echo(self, value: Any) -> Any:
        return value

    async def wait(self, value: Any) -> Any:
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cut += 1
            raise
        return value

    async def stubborn(self, value: Any) -> Any:
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            raise Fault("communication", 503, "Cut", "the other side hung up") from None

    async def maybe(self, value: Any) -> Any:
        if "maybe" in self.broken:
            raise Fault("communication", 503, "Away", "the other side is away")
        return value

    async def fail(self, value: Any) -> Any:
        raise RuntimeError("a bug in an effect")

    async def huge(self, value: Any) -> Any:
        return "x" * 100_000

    async def odd(self, value: Any) -> Any:
        return object()


class Told:
    """What was told of runs."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, str]] = []

    def __call__(self, what: str, live: LiveRun, told: Any) -> None:
        if what == "run":
            self.runs.append((live.id, told["status"]))


@asynccontextmanager
async def workflows_on(
    store: Store,
    steps: Steps,
    /,
    locks: Path | None = None,
    *,
    clock: Clock | None = None,
    work: bool = True,
    told: Told | None = None,
    **changed: Any,
) -> AsyncIterator[Workflows]:
    """A started engine with the service over it."""
    settings = dataclasses.replace(QUICK, **changed)
    own = TemporaryDirectory()
    parts = EngineParts(
        store,
        settings,
        clock or SystemClock(),
        performer=steps,
        locks=HostLocks(locks or Path(own.name)),
        tell=told or Told(),
        drain_s=0.2,
        work=work,
        waits_for=steps.waits_for,
    )
    engine = EmbeddedEngine(parts)
    await engine.start()
    try:
        yield Workflows(engine)
    finally:
        await engine.stop()
        own.cleanup()


async def crash() -> None:
    """Cuts everything that goes on in this loop but the test itself, as the end of a process does."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def until(true: Callable[[], Any], *, seconds: float = 10.0) -> None:
    """Returns once something holds."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def text(name: str, tasks: str, host: str = "") -> str:
    """A definition with these tasks, in YAML."""
    lines = "\n".join(f"  {line}" for line in tasks.strip().splitlines())
    more = "\n".join(f"  {line}" for line in host.strip().splitlines())
    head = f"document: {{dsl: '1.0.3', namespace: default, name: {name}, version: '1.0.0'}}\n"
    return f"{head}{'host:' if host else ''}\n{more}\ndo:\n{lines}\n"
