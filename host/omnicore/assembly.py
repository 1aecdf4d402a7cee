"""The parts list: every room's part, made once and handed to those who use it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from omnicore.api.app import create_app
from omnicore.api.rooms import Rooms
from omnicore.capabilities.capability import PluginScope
from omnicore.capabilities.services import Services
from omnicore.clock import SystemClock
from omnicore.config.loader import load_settings
from omnicore.config.settings import Settings
from omnicore.connectors.http import HttpClient
from omnicore.errors import Conflict
from omnicore.events.bus import EventBus
from omnicore.plugins.host import PluginHost
from omnicore.sandbox.abi import Doors, HostFunction
from omnicore.sandbox.by_kind import EngineByKind
from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.reference.engine import ReferenceEngine
from omnicore.storage.database import Database
from omnicore.storage.tables.kv import KvTable
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from omnicore.sandbox.engine import Engine

__all__ = ["BlockingHost", "Host", "engine_for"]

_T = TypeVar("_T")


class Running(Protocol):
    """A part that is started and stopped."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@asynccontextmanager
async def running(part: Running) -> AsyncIterator[None]:
    """A part that runs as long as the block does."""
    await part.start()
    try:
        yield
    finally:
        await part.stop()


class Host:
    """The whole product as one object: the plugins of a folder, and calls into them.

    ```python
    async with Host(plugins="plugins/") as host:
        count = await host.call("text.count_vowels", "hello", timeout_s=0.5)
    ```

    `with Host(...)` is the same for programs without an event loop, see `BlockingHost`.

    Args:
        plugins, data, watch: override the settings of these names.
        work: whether tasks, lanes and other work in the background go on in this process; a command that
            only asks or calls leaves them to the server on the same data.
        functions: host functions that this host's plugins may import.
        settings: instead of those found in `OMNICORE_*` variables.
        overrides: any other setting, by name.

    Raises: InvalidSetting, StorageFailed, EngineFailed when it is entered.
    """

    def __init__(
        self,
        plugins: str | Path | None = None,
        *,
        data: str | Path | None = None,
        watch: bool | None = None,
        work: bool = True,
        functions: Sequence[HostFunction] = (),
        settings: Settings | None = None,
        **overrides: Any,
    ) -> None:
        given = {"plugins": plugins, "data": data, "watch": watch, **overrides}
        named = {name: value for name, value in given.items() if value is not None}
        self.settings = replace(settings, **named) if settings else load_settings(None, os.environ, named).settings
        self._functions = tuple(functions)
        self._work = work
        self._ready = False
        self._parts: ExitStack | None = None
        self._blocking: BlockingHost | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._assemble)
        try:
            for part in self._running:
                await self._begun.enter_async_context(running(part))
        except BaseException:
            await self._begun.aclose()
            self._take_apart()
            raise
        self._ready = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ready = False
        try:
            await self._begun.aclose()
        finally:
            self._take_apart()

    def __enter__(self) -> BlockingHost:
        self._blocking = BlockingHost(self)
        return self._blocking

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._blocking is not None:
            self._blocking.close()
            self._blocking = None

    async def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        """Calls a function; see `omnicore.plugins.host.PluginHost.call`. Cancelling the task cuts the guest."""
        return await self.plugins.call(ref, data, timeout_s=timeout_s, host_context=host_context)

    def ready(self) -> bool:
        """Whether the host takes calls."""
        return self._ready

    def asgi(self) -> Any:
        """The REST API as an ASGI application, to be served or mounted in another."""
        return create_app(
            self.plugins,
            settings=self.settings,
            metrics=self.metrics,
            bus=self.bus,
            logs=self.logs,
            ready=self.ready,
            rooms=Rooms(),
        )

    def _assemble(self) -> None:
        if self._parts is not None:
            raise Conflict("the host is open already", remedy="make another Host")
        settings = self.settings
        with ExitStack() as stack:
            self.store = database = Database.open(settings.data / "omnicore.db")
            stack.callback(database.close)
            self.bus = EventBus()
            self.logs = PluginLogs(settings.log_lines, forward=True)
            self.metrics = Metrics()
            http = HttpClient()
            stack.callback(http.close)
            self.plugins = PluginHost(
                settings,
                engine=self._engine(),
                database=database,
                services=self._services(Services(kv=KvTable(database, SystemClock()), http=http, events=self.bus)),
                metrics=self.metrics,
                logs=self.logs,
                events=self.bus,
                functions=self._functions,
                wrap_doors=self._wrap_doors,
            )
            # Started in this order, stopped in reverse.
            self._running: tuple[Running, ...] = (self.plugins,)
            self._begun = AsyncExitStack()
            self._parts = stack.pop_all()

    # What a test's host replaces, see `omnicore.testing`.

    def _engine(self) -> Engine:
        return engine_for(self.settings, self.settings.data / "code")

    def _services(self, services: Services) -> Services:
        return services

    def _wrap_doors(self, plugin: PluginScope, doors: Doors) -> Doors:
        return doors

    def _take_apart(self) -> None:
        parts, self._parts = self._parts, None
        if parts is not None:
            parts.close()


class BlockingHost:
    """A host for programs without an event loop. It has one of its own, on a thread, for its watcher.

    Calls run on the caller's thread; Ctrl-C ends a guest that runs on the main thread.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="omnicore-host", daemon=True)
        self._thread.start()
        try:
            self._run(host.__aenter__())
        except BaseException:
            self._stop_loop()
            raise
        self.settings = host.settings
        self.plugins = host.plugins
        self.bus, self.logs, self.metrics = host.bus, host.logs, host.metrics
        self._call = host.plugins.call_blocking

    def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        """Calls a function; see `omnicore.plugins.host.PluginHost.call_blocking`."""
        return self._call(ref, data, timeout_s=timeout_s, host_context=host_context)

    def close(self) -> None:
        """Lets running calls finish and frees everything; a second time does nothing."""
        if self._thread.is_alive():
            try:
                self._run(self._host.__aexit__(None, None, None))
            finally:
                self._stop_loop()

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def engine_for(settings: Settings, code: Path) -> Engine:
    """What runs the modules, each by its kind; compiled code is kept in the folder `code`."""
    most = settings.max_instances
    core = ReferenceEngine() if settings.engine == "extism" else ExtismEngine(code, instances=most)
    return EngineByKind(core, ComponentEngine(code, instances=most))
