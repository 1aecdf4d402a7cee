"""A whole host that serves: what `omnicore run` does, on a thread of the test."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from omnicore.api.server import serve
from omnicore.assembly import Host
from omnicore.config.settings import Settings

__all__ = ["Served"]


class Served:
    """A host over plugins given as files, and its server. `host` is used on its own loop only.

    `client` is the owner's, by the `key`; `headers` are what makes any other client the owner's.
    """

    def __init__(self, folder: Path, files: Mapping[str, str], **changes: Any) -> None:
        quiet = {"port": 0, "watch": False, "plugins": folder / "plugins", "data": folder / "data", "drain_s": 0.5}
        self.settings = dataclasses.replace(Settings(), **{**quiet, **changes})
        self.settings.plugins.mkdir(parents=True)
        for name, text in files.items():
            (self.settings.plugins / name).write_text(text)
        self.url = ""
        self._serving = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="served")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._serving.wait(60), "the server did not start"
        if self._failure is not None:
            raise self._failure
        self.key = self.host.access.owner.made()
        self.headers = {"authorization": f"Bearer {self.key}"}
        self.client = httpx.Client(base_url=self.url, timeout=60, headers=self.headers)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the server did not stop"

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._serving.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Host(settings=self.settings) as self.host:
            await serve(self.host.asgi(), self.settings, stop=self._stop, announce=self._announce)

    def _announce(self, url: str) -> None:
        self.url = url
        self._serving.set()
