"""The API on a real socket: Hypercorn in a thread of its own, real plugins, plain clients."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import httpx
import pytest

from omnicore.api.app import create_app
from omnicore.api.parts import Rooms
from omnicore.api.server import serve
from omnicore.capabilities.services import Services
from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import AccessSettings, MemorySettings, Settings
from omnicore.connectors.http import HttpClient
from omnicore.connectors.service import open_connectors
from omnicore.events.bus import EventBus
from omnicore.memory.embedder import Embedder, Sense, embedder_named
from omnicore.memory.memories import Memories
from omnicore.memory.service import MemoryService
from omnicore.plugins.callers import PluginLimits
from omnicore.plugins.host import PluginHost
from omnicore.plugins.rollout import Rollouts
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.storage.database import Database
from omnicore.storage.tables.kv import KvTable
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics
from omnicore.vectors.service import VectorService

_IMPORTS = """
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "error_set" (func $error (param i64)))
  (import "extism:host/env" "log_warn" (func $warn (param i64)))
  (memory (export "memory") 1)
  (func $copy (result i64) (local $i i64) (local $n i64) (local $at i64)
    (local.set $n (call $length))
    (local.set $at (call $alloc (local.get $n)))
    (block $done (loop $next
      (br_if $done (i64.ge_u (local.get $i) (local.get $n)))
      (call $store (i64.add (local.get $at) (local.get $i)) (call $load (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $next)))
    (local.get $at))"""

ECHO = f"""(module {_IMPORTS}
  (func (export "echo") (result i32) (call $output (call $copy) (call $length)) (i32.const 0)))"""

MANY = f"""(module {_IMPORTS}
  (func (export "echo") (result i32) (call $output (call $copy) (call $length)) (i32.const 0))
  (func (export "spin") (result i32) (loop $on (br $on)) (i32.const 0))
  (func (export "busy") (result i32) (local $n i32)
    (local.set $n (i32.const 300000000))
    (loop $on (br_if $on (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $output (call $copy) (call $length)) (i32.const 0))
  (func (export "trap") (result i32) (unreachable))
  (func (export "fail") (result i32) (call $error (call $copy)) (i32.const 1))
  (func (export "warn") (result i32) (call $warn (call $copy)) (i32.const 0)))"""

SLOW = "[limits]\ntimeout_s = 20.0\n"

ASKS = """
name = "{name}"
[[capabilities]]
name = "kv"
reason = "Stores the count"
[[capabilities]]
name = "events"
reason = "Tells about it"
scope = {{ topics = ["counted"] }}
"""

DOUBLE = """
[functions.echo]
description = "Gives the value back"
output = { type = "object" }
[functions.echo.input]
type = "object"
required = ["value"]
properties = { value = { "$ref" = "#/$defs/number" } }
"$defs" = { number = { type = "integer" } }
"""


def until(true: Callable[[], object], *, timeout_s: float = 60.0) -> None:
    """Waits for something to become true."""
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def many(site: Site) -> str:
    """Installs the guest with a function for every outcome and returns where its functions are."""
    site.drop("many.wat", MANY, SLOW)
    site.host.grant("many", "limits", who="ann")
    return "/api/v1/plugins/many/functions"


def raw(site: Site, text: str, *, body: bytes = b"") -> socket.socket:
    """A connection on which a request's head and some of its body were sent."""
    connection = socket.create_connection(("127.0.0.1", site.port), timeout=60)
    head = text.replace("\n", "\r\n") + f"\r\nHost: 127.0.0.1:{site.port}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def answer(connection: socket.socket) -> str:
    """All that comes until the server closes, as text."""
    return rest(connection).decode()


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    chunks = []
    with connection:
        while chunk := connection.recv(65536):
            chunks.append(chunk)
    return b"".join(chunks)


def _memory(database: Database, settings: MemorySettings, clock: Clock, bus: EventBus) -> MemoryService:
    sense = Sense(_embedder())
    return MemoryService(Memories(database, settings=settings, clock=clock, sense=sense, tell=bus.publish), work=False)


@cache
def _embedder() -> Embedder | None:
    return embedder_named("static")


class Site:
    """A host that serves. `stop` ends it the way Ctrl-C does."""

    def __init__(self, folder: Path, engine: ExtismEngine, changes: dict[str, object]) -> None:
        console = changes.pop("console", None)
        # Open: these tests are about HTTP and not about who asks, which tests of `Served` are.
        access = AccessSettings(open=not changes.get("token"))
        quiet = {"port": 0, "watch": False, "plugins": folder / "plugins", "data": folder / "data", "access": access}
        self.settings = dataclasses.replace(Settings(), **{**quiet, **changes})
        self.settings.plugins.mkdir(parents=True, exist_ok=True)
        self._database = Database.open(self.settings.data / "omnicore.db")
        clock = SystemClock()
        self.bus, self.metrics, self.logs = EventBus(), Metrics(), PluginLogs()
        kv = KvTable(self._database, clock)
        self.host = PluginHost(
            self.settings,
            engine=engine,
            database=self._database,
            services=Services(kv=kv, http=HttpClient(), events=self.bus, clock=clock),
            metrics=self.metrics,
            logs=self.logs,
            events=self.bus,
            clock=clock,
        )
        self.connectors = open_connectors(
            self._database,
            self.settings.connectors,
            data=self.settings.data,
            environ={},
            publish=self.bus.publish,
            clock=clock,
        )
        self.ready = True
        self.app = create_app(
            self.host,
            settings=self.settings,
            metrics=self.metrics,
            bus=self.bus,
            logs=self.logs,
            ready=lambda: self.ready,
            rooms=Rooms(
                console=console if isinstance(console, Path) else None,
                memory=_memory(self._database, self.settings.memory, clock, self.bus),
                vectors=VectorService(self._database, self.settings.data / "vectors"),
                connectors=self.connectors,
                rollouts=Rollouts(self.host, self._database, self.bus, clock, host="", work=False),
                limits=PluginLimits(
                    self._database,
                    clock,
                    host="",
                    gates=self.host.routes.gates,
                    renew=self.host.routes.renew,
                    known=self.host.get,
                ),
            ),
        )
        self.url = ""
        self.failure: BaseException | None = None
        self._serving = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._main, name="site")

    def drop(self, name: str, content: str | bytes, manifest: str = "") -> None:
        """Installs a file as an upload would, without the network."""
        data = content.encode() if isinstance(content, str) else content
        self.host.install(name, data, manifest=manifest.encode() or None)

    def start(self) -> Site:
        self._thread.start()
        assert self._serving.wait(60), "the server did not start"
        if self.failure is not None:
            raise self.failure
        self.port = int(self.url.rpartition(":")[2])
        self.client = httpx.Client(base_url=self.url, timeout=60)
        return self

    @property
    def traffic(self) -> int:
        """Requests and WebSockets that are open now."""
        return len(self.app.state.parts.traffic)

    def begin_stop(self) -> None:
        if self._loop is not None and self._thread.is_alive():
            with suppress(RuntimeError):  # a server that did not start is just ending its loop
                self._loop.call_soon_threadsafe(self._stop.set)

    def wait_stopped(self, timeout_s: float = 60.0) -> None:
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), "the server did not stop"

    def close(self) -> None:
        self.begin_stop()
        self.wait_stopped()
        if hasattr(self, "client"):
            self.client.close()
        self.connectors.close()
        self._database.close()

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self.failure = error
        finally:
            self._serving.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await self.host.start()
        try:
            await serve(self.app, self.settings, stop=self._stop, announce=self._announce)
        finally:
            await self.host.stop()

    def _announce(self, url: str) -> None:
        self.url = url
        self._serving.set()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ExtismEngine:
    return ExtismEngine(tmp_path_factory.mktemp("compiled"))


@pytest.fixture
def site_with(engine: ExtismEngine, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Starts a site with settings of one's own."""
    sites: list[Site] = []

    def build(*, started: bool = True, **changes: object) -> Site:
        site = Site(tmp_path / str(len(sites)), engine, changes)
        sites.append(site)
        return site.start() if started else site

    yield build
    for site in sites:
        site.close()


@pytest.fixture
def site(site_with: Callable[..., Site]) -> Site:
    return site_with()
