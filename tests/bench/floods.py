"""Floods: one guest that sends large requests to a door, over and over, while others call and ask for `/healthz`.

A real `omnicore run` serves in a process of its own. Each door is flooded alone; a row shows the figure under the flood
beside the one of the same server at rest.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from tests.bench.guests import ECHO, ROOT
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, Target, at_most, record

from omnicore import Host
from omnicore.access.principal import Role
from omnicore.sandbox.capi.code import wat_to_wasm

__all__ = ["FLOODS", "FLOOD_WAT", "Flood", "floods", "large_vectors"]

_CALLERS = 4
_SECONDS = 6.0
_PAUSE_S = 0.005
_NOT_SLOWER = Target("at least", 0.2, ratio=True)

FLOOD_WAT = """(module
  (import "extism:host/env" "input_offset" (func $offset (result i64)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
  (import "extism:host/user" "{first}" (func $first (param i64) (result i64)))
  (import "extism:host/user" "{door}" (func $door (param i64) (result i64)))
  (memory (export "memory") 1)
  (func (export "prepare") (result i32) (local $reply i64)
    (local.set $reply (call $first (call $offset)))
    (call $output (local.get $reply) (call $length (local.get $reply)))
    i32.const 0)
  (func (export "flood") (result i32) (local $left i32) (local $reply i64)
    (local.set $left (i32.const {times}))
    (loop $again
      (local.set $reply (call $door (call $offset)))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (call $output (local.get $reply) (call $length (local.get $reply)))
    i32.const 0))"""
"""A guest that hands its input to a door so many times, or once to another one, and answers with the last reply."""

_MANIFEST = """warm = 4

[functions.flood]

[functions.prepare]

[limits]
timeout_s = 30.0
input_bytes = 8388608
memory_bytes = 134217728
host_calls = 10000

[[capabilities]]
name = "{capability}"
reason = "A benchmark"
scope = {scope}
"""


@dataclass(frozen=True, slots=True)
class Flood:
    """A door, what it is sent, and how often a call sends it. `prepare` is sent once before."""

    door: str
    scope: str
    request: Callable[[], Mapping[str, Any]]
    times: int = 12
    prepare: tuple[str, Mapping[str, Any]] | None = None

    @property
    def plugin(self) -> str:
        """The name of the guest."""
        return f"{self.door.replace('_', '-')}-{self.times}"

    @property
    def capability(self) -> str:
        """The capability that the door's verb belongs to."""
        return self.door.partition("_")[0]


def large_vectors(count: int = 80, dimensions: int = 384) -> Mapping[str, Any]:
    """A request of about 640 KB to keep vectors."""
    rows = [
        {"id": f"v{row}", "values": [((row * 31 + place * 17) % 1999 + 1) / 1999.7 for place in range(dimensions)]}
        for row in range(count)
    ]
    return {"collection": "flood", "vectors": rows}


_CREATE = ("vectors_create_v1", {"collection": "flood", "dimensions": 384})
_VECTORS = '{ collections = ["*"], max_vectors = 1000000 }'
FLOODS: Mapping[str, Flood] = {
    "vectors.upsert": Flood("vectors_upsert_v1", _VECTORS, large_vectors, prepare=_CREATE),
    "kv.put": Flood("kv_put_v1", "{}", lambda: {"key": "k", "value": "v" * 250_000}),
    "kv.put, small": Flood("kv_put_v1", "{}", lambda: {"key": "k", "value": "v" * 1_000}, times=1_000),
    "memory.store": Flood("memory_store_v1", "{}", lambda: {"text": "so many words " * 4_600}),
    "events.publish": Flood(
        "events_publish_v1", '{ topics = ["flood.*"] }', lambda: {"topic": "flood.all", "data": "e" * 65_000}
    ),
    "tasks.submit": Flood(
        "tasks_submit_v1", '{ functions = ["*"] }', lambda: {"function": "warm.echo", "input": "t" * 65_000, "key": "k"}
    ),
    "http.fetch": Flood(
        "http_fetch_v1",
        '{ hosts = ["127.0.0.1"], methods = ["POST"], private = true }',
        lambda: {"method": "POST", "url": "http://127.0.0.1:9/", "body": "h" * 640_000},
        times=8,
    ),
    "brackets": Flood("vectors_upsert_v1", _VECTORS, lambda: {"collection": "flood", "vectors": [[]] * 210_000}),
}
"""Floods by their name in the table. The last one is refused: 640 KB of nothing but brackets."""


def floods(effort: Effort) -> Iterator[Row]:
    """`/healthz` and another plugin's call at rest and under each flood."""
    with _served() as server:
        seconds = max(0.2, _SECONDS * effort.scale)
        asyncio.run(_measured(server, None, seconds))  # a server that has just started still tidies up
        quiet = asyncio.run(_measured(server, None, seconds))
        yield Row("/healthz at rest, p99", quiet.health_p99(), None, "ms", at_most(50.0))
        for name in FLOODS:
            found = asyncio.run(_measured(server, name, seconds))
            yield Row(f"/healthz under a flood of {name}, p99", found.health_p99(), None, "ms", at_most(50.0))
            yield Row(f"another plugin's call under it, {name}", found.call(), quiet.call(), "ms", _NOT_SLOWER)
            yield record(f"calls of the flood that were answered, {name}", found.floods / seconds, "call/s")


@dataclass(slots=True)
class _Seen:
    """Seconds that answers took."""

    health: list[float] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    floods: int = 0

    def health_p99(self) -> Figure:
        ordered = sorted(self.health)
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3
        return Figure(p99, statistics.median(ordered) * 1e3)

    def call(self) -> Figure:
        return Figure.of(self.calls).scaled(1e3)


@dataclass(frozen=True, slots=True)
class _Server:
    url: str
    key: str


@contextmanager
def _served() -> Iterator[_Server]:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        key = asyncio.run(_prepared(folder))
        command = [sys.executable, "-m", "omnicore", "run", "--port", "0", "-o", "json"]
        command += ["--plugins", str(folder / "plugins"), "--data", str(folder / "data")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "host")}
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        ) as server:
            try:
                if server.stdout is None or not (line := server.stdout.readline()):
                    raise RuntimeError("the server did not start")
                yield _Server(json.loads(line)["url"], key)
            finally:
                server.terminate()
                with suppress(subprocess.TimeoutExpired):
                    server.wait(30)
                server.kill()


async def _prepared(folder: Path) -> str:
    """Writes and grants the plugins, makes what they need, and returns an API token."""
    plugins = folder / "plugins"
    plugins.mkdir()
    (plugins / "warm.wasm").write_bytes(ECHO)
    (plugins / "warm.toml").write_text("warm = 2\n\n[functions.echo]\n")
    for flood in FLOODS.values():
        first = flood.prepare[0] if flood.prepare is not None else flood.door
        wat = FLOOD_WAT.format(first=first, door=flood.door, times=flood.times)
        (plugins / f"{flood.plugin}.wasm").write_bytes(wat_to_wasm(wat.encode()))
        (plugins / f"{flood.plugin}.toml").write_text(_MANIFEST.format(capability=flood.capability, scope=flood.scope))
    async with Host(plugins=plugins, data=folder / "data", port=0) as host:
        for view in host.plugins.list():
            if view.state == "needs-grant":
                host.plugins.grant(view.name, None, who="bench")
        _, key = host.access.tokens.add("bench", owner=None, role=Role.operator)
    return key


async def _measured(server: _Server, name: str | None, seconds: float) -> _Seen:
    seen, over = _Seen(), asyncio.Event()
    tasks = [
        asyncio.create_task(_poll(server, "GET", "/healthz", b"", seen.health, over)),
        asyncio.create_task(_poll(server, "POST", _route("warm", "echo"), b"x" * 64, seen.calls, over)),
    ]
    if name is not None:
        flood = FLOODS[name]
        if flood.prepare is not None:
            await _once(server, _route(flood.plugin, "prepare"), json.dumps(flood.prepare[1]).encode())
        body = json.dumps(flood.request(), separators=(",", ":")).encode()
        path = _route(flood.plugin, "flood")
        tasks += [asyncio.create_task(_flooding(server, path, body, seen, over)) for _ in range(_CALLERS)]
    await asyncio.sleep(seconds)
    over.set()
    await asyncio.gather(*tasks)
    return seen


def _route(plugin: str, function: str) -> str:
    return f"/api/v1/plugins/{plugin}/functions/{function}"


async def _poll(server: _Server, method: str, path: str, body: bytes, taken: list[float], over: asyncio.Event) -> None:
    async with _Connection(server) as connection:
        while not over.is_set() or not taken:
            began = time.perf_counter()
            await connection.ask(method, path, body)
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(_PAUSE_S)


async def _flooding(server: _Server, path: str, body: bytes, seen: _Seen, over: asyncio.Event) -> None:
    async with _Connection(server) as connection:
        while not over.is_set():
            await connection.ask("POST", path, body)
            seen.floods += 1


async def _once(server: _Server, path: str, body: bytes) -> None:
    async with _Connection(server) as connection:
        await connection.ask("POST", path, body)


class _Connection:
    """One connection that stays open. `ask` raises AssertionError unless the answer is 200."""

    def __init__(self, server: _Server) -> None:
        self._server = server

    async def __aenter__(self) -> _Connection:
        parts = urlsplit(self._server.url)
        self._reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def ask(self, method: str, path: str, body: bytes) -> bytes:
        host = urlsplit(self._server.url).netloc
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {self._server.key}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        await self._writer.drain()
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        text = await self._reader.readexactly(length)
        if b" 200 " not in answer[:20]:
            raise AssertionError(f"{path} answered {answer[:20]!r} {text[:400]!r}")
        return text
