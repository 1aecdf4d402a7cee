"""What effects of workflows did: a server of this machine that writes down the idempotency key of each request."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

__all__ = ["Ledger"]

_FAILURES = 2
_LONGEST_S = 0.02
_LINES = 64


class Ledger:
    """A process of its own, so that it is on time. `calls` has the moments at which each key came, once it has stopped.

    `/flaky` fails a key's first attempts; everything else is answered, after a moment in which its caller may die.
    """

    def __init__(self, folder: Path, context: Any) -> None:
        self.calls: dict[str, list[float]] = defaultdict(list)
        self._file = folder / "ledger.log"
        self._here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(str(self._file), there), daemon=True)

    def start(self) -> str:
        """Begins to listen; where."""
        self._process.start()
        return str(self._here.recv())

    def stop(self) -> None:
        """Ends it, and reads what it has written down."""
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.join()
        for line in self._file.read_text().splitlines():
            at, _, key = line.partition(" ")
            self.calls[key].append(float(at))

    @property
    def repeats(self) -> int:
        """Calls beyond the first one of each key."""
        return sum(len(times) - 1 for times in self.calls.values())


def _serve(file: str, there: Any) -> None:
    asyncio.run(_Server(file).run(there))


class _Server:
    def __init__(self, file: str) -> None:
        self._chance = random.Random(1)
        self._file = open(file, "a", buffering=1)  # noqa: SIM115 -- as long as the process

    async def run(self, there: Any) -> None:
        over = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        there.send(f"http://{host}:{port}")
        await over.wait()
        server.close()
        self._file.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):  # the caller was killed
            while line := await reader.readline():
                path = line.split(b" ")[1].decode()
                headers = await _headers(reader)
                await reader.readexactly(int(headers.get("content-length", 0)))
                ok = self._note(path, unquote(headers.get("idempotency-key", "")))
                await asyncio.sleep(self._chance.uniform(0, _LONGEST_S))
                status = b"200 OK" if ok else b"503 Service Unavailable"
                body = b'{"ok": true}' if ok else b'{"ok": false}'
                head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                writer.write(head % (status, len(body)) + body)
                await writer.drain()
        writer.close()

    def _note(self, path: str, key: str) -> bool:
        self._file.write(f"{time.time():.6f} {key}\n")
        attempt = key.rpartition("/")[2]
        return not path.startswith("/flaky") or int(attempt or 0) > _FAILURES


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    found: dict[str, str] = {}
    for _ in range(_LINES):
        name, _, value = (await reader.readline()).decode("latin-1").partition(":")
        if not value:
            break
        found[name.strip().lower()] = value.strip()
    return found
