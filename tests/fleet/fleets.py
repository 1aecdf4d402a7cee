"""Fleets for tests: hosts that share nothing but a NATS server, and clients of that server with no code of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from tests.plugins.guests import ECHO, MOODY
from tests.services.servers import Server

from omnicore.assembly import Host
from omnicore.config.settings import FleetSettings, LoopSettings, Settings
from omnicore.core.extensions import Extension, Extensions

SECRET = "a secret that is long enough for tests"
TEXT = Path(__file__).parents[2] / "plugins" / "text" / "dist" / "text.wasm"
PLUGINS: Mapping[str, str | Path] = {"text": TEXT, "echo": ECHO, "moody": MOODY}


class Fleet:
    """Hosts by name, each with a folder of its own; `client` is a bare client of NATS."""

    def __init__(self, folder: Path, server: Server, stack: AsyncExitStack) -> None:
        self.folder, self.server, self._stack = folder, server, stack
        self.hosts: dict[str, Host] = {}

    async def host(self, name: str, *plugins: str, native: object = None, **sections: Any) -> Host:
        """A further host, and the fleet when all hosts know what it serves."""
        host = Host(settings=self.settings(name, *plugins, **sections), extensions=_extensions(native))
        await self._stack.enter_async_context(host)
        self.hosts[name] = host
        await self.known(lambda: all(self._knows(one, other) for one in self._open() for other in self._open()))
        return host

    def settings(self, name: str, *plugins: str, **sections: Any) -> Settings:
        """The settings of a host that has some of `PLUGINS`."""
        folder = self.folder / name / "plugins"
        folder.mkdir(parents=True, exist_ok=True)
        for one in plugins:
            source = PLUGINS[one]
            data = source.encode() if isinstance(source, str) else source.read_bytes()
            (folder / f"{one}{'.wat' if isinstance(source, str) else '.wasm'}").write_bytes(data)
        fleet = {"url": self.server.url, "secret": SECRET, "labels": (f"name={name}",), "beat_s": 0.2}
        more = {"loops": LoopSettings(enabled=False), "watch": False, **sections}
        more["fleet"] = FleetSettings(**{**fleet, **sections.get("fleet", {})})
        return Settings(plugins=folder, data=self.folder / name / "data", **more)

    async def known(self, holds: Callable[[], bool]) -> None:
        """Returns once something holds that the hosts learn by their beats."""
        await until(holds)

    async def client(self, **options: Any) -> Client:
        """A client with no code of ours."""
        return await self._stack.enter_async_context(await nats.connect(self.server.url, **options))

    def _open(self) -> list[Host]:
        return list(self.hosts.values())

    def _knows(self, one: Host, other: Host) -> bool:
        if one is other or one.nats is None or other.nats is None:
            return True
        mine = {view.name for view in other.plugins.list() if view.serving}
        known = {host.host for host in one.nats.hosts()}
        return other.nats.host in known and mine <= one.nats.directory.plugins()


async def until(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    """Returns once it holds."""
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def fleet(folder: Path, server: Server) -> AsyncIterator[Fleet]:
    """A fleet without hosts."""
    async with AsyncExitStack() as stack:
        yield Fleet(folder, server, stack)


def _extensions(native: object) -> Extensions | None:
    if native is None:
        return None
    extensions = Extensions()
    extensions.add(Extension("entry", f"pack:{type(native).__name__}"), lambda: native)
    return extensions


def error_of(message: Msg) -> str:
    """The code of the error that an answer holds; empty: it holds none."""
    return json.loads((message.headers or {}).get("Omnicore-Answer", "{}")).get("error", "")


def bearer(secret: str, /, **header: Any) -> dict[str, str]:
    """Headers of a call by a client."""
    more = {"Omnicore-Call": json.dumps(header)} if header else {}
    return {"Authorization": f"Bearer {secret}", **more}
