"""What effects of workflows did: a server of this machine that writes down the key and the hand of each request.

The hand is said again in the answer, and so stands in the record of the step."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.chaos.workflows_marks import HAND

__all__ = ["Ledger"]

_FAILURES = 2
_LONGEST_S = 0.02
_LINES = 64
_BACKLOG = 4096  # after a restart of the database hundreds come at once


class Ledger:
    """A process of its own, so that it is on time. `calls` has when each key came, and of whose hand, once it stopped.

    `/flaky` fails a key's first attempts; everything else is answered, after a moment in which its caller may die.
    """

    def __init__(self, folder: Path, context: Any) -> None:
        self.calls: dict[str, list[tuple[float, str]]] = defaultdict(list)
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
            at, hand, key = line.split(" ", 2)
            self.calls[key].append((float(at), hand))

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
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=_BACKLOG)
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
                hand = headers.get(HAND, "-")
                ok = self._note(path, unquote(headers.get("idempotency-key", "")), hand)
                await asyncio.sleep(self._chance.uniform(0, _LONGEST_S))
                status = b"200 OK" if ok else b"503 Service Unavailable"
                body = json.dumps({"ok": ok, "hand": hand}).encode()
                head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                writer.write(head % (status, len(body)) + body)
                await writer.drain()
        writer.close()

    def _note(self, path: str, key: str, hand: str) -> bool:
        self._file.write(f"{time.time():.6f} {hand} {key}\n")
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
