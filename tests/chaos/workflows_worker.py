"""A host that is killed: runs workflows until SIGTERM, and writes down who it is and what it has begun."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from tests.chaos.workflows_marks import install

from omnicore.assembly import Host
from omnicore.config.settings import Settings, StorageSettings, WorkflowSettings
from omnicore.errors import OmniError

__all__ = ["LEASE_S", "OVER", "settings_of", "work"]

LEASE_S = 0.8
_REST_S = 0.1

OVER = "over"
"""A file in the folder: nothing new is begun once it is there."""


def settings_of(url: str | None, folder: Path, place: str) -> dict[str, Any]:
    """What a host of the campaign is made with. On PostgreSQL each has a folder of its own."""
    limits = WorkflowSettings(lease_s=LEASE_S, park_s=0.2, http_private=("127.0.0.1:*",), sweep_s=3600.0)
    data = folder / ("data" if url is None else f"data-{place}")
    storage = StorageSettings(busy_timeout_s=30.0) if url is None else StorageSettings(url=url)
    settings = Settings(watch=False, workflows=limits, storage=storage)
    return {"plugins": folder / "plugins", "data": data, "settings": settings}


def work(url: str | None, folder: str, place: str, machines: int = 1) -> None:
    """The process.

    Args: machines: with 2 no host sees the other's lock, as on another machine: then the lease alone tells of a death.
    """
    install(Path(folder), Path(folder) / ("locks" if machines == 1 else f"locks-{place}"))
    asyncio.run(_main(url, Path(folder), place))


async def _main(url: str | None, folder: Path, place: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with open(folder / "hosts.log", "a", buffering=1) as hosts, open(folder / "begun.log", "a", buffering=1) as begun:
        async with Host(**settings_of(url, folder, place)) as host:
            known = ""
            while not stop.is_set():
                if known != (known := host.workflows.engine.journal.host):
                    hosts.write(f"{time.time():.6f} {os.getpid()} {known}.\n")
                if not (folder / OVER).exists():
                    await _begin(host, begun)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _REST_S)


async def _begin(host: Host, begun: TextIO) -> None:
    """Begins a run in this host's own hands: it is kept before it is told of, as one that others claim is."""
    with suppress(OmniError):
        handle = await host.workflows.start("steps", {"n": 0, "who": "0"}, by="worker")
        begun.write(f"{handle.id}.\n")
